//go:build !unix

package shell

// redrawPrompt does nothing here: the line editor draws its line again with the next key.
func redrawPrompt() {}
