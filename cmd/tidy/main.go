package main

import (
	"fmt"
	"os"
)

// main prints every finding of the repository around the working directory and exits 1 if there is one.
func main() {
	root, err := findRoot(".")
	if err == nil {
		var tree *Tree
		if tree, err = ReadTree(root); err == nil {
			os.Exit(report(Check(tree, DefaultPolicy())))
		}
	}
	fmt.Fprintln(os.Stderr, "tidy:", err)
	os.Exit(2)
}

// report prints the findings one a line and returns the exit code.
func report(findings []Finding) int {
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		fmt.Fprintf(os.Stderr, "tidy: %d findings\n", len(findings))
		return 1
	}
	return 0
}
