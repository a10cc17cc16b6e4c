package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// fourLetterLimit bounds the answer to a word: the longest ones list connections or watches.
const fourLetterLimit = 64 << 20

// FourLetterWord asks a server one of its words ("ruok", "stat", "mntr" …) and returns the answer. Without a deadline
// in ctx it waits ten seconds.
func FourLetterWord(ctx context.Context, addr, word string) (string, error) {
	if len(word) != 4 {
		return "", fmt.Errorf("word %q: it must have four letters", word)
	}
	addr, err := withPort(addr)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("word %s: %w", word, err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("word %s at %s: %w", word, addr, err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, fourLetterLimit))
	if err != nil {
		return "", fmt.Errorf("word %s at %s: %w", word, addr, err)
	}
	return string(answer), nil
}
