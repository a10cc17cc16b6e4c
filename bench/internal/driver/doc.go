// Command driver runs the load generator on its own, without the server.
package main
