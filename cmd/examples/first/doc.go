// Command first is the server of the guide "Write a stage" in the README: nobody writes below a path.
package main
