package transcript

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// fourLetterWord asks a word on a connection of its own and compares the answer.
func (r *run) fourLetterWord(e *Event) error {
	address, err := r.address(e)
	if err != nil {
		return err
	}
	c, err := (&net.Dialer{Timeout: r.patience}).DialContext(r.ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(r.patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, e.Word); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return fmt.Errorf("%s: after %q: %w", e.Word, answer, err)
	}
	if err := r.judge(e, string(answer)); err != nil {
		return fmt.Errorf("%s: %w\nanswer:\n%s", e.Word, err, answer)
	}
	return nil
}

func (r *run) judge(e *Event, answer string) error {
	lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
	switch e.Match {
	case "exact":
		if want := r.text(e.Text); answer != want {
			return fmt.Errorf("expected exactly %q", want)
		}
	case "lines":
		return r.lines(e.Want, lines)
	case "keys":
		for _, want := range e.Want {
			if !anyLine(lines, r.text(want)) {
				return fmt.Errorf("no line starts with %q", r.text(want))
			}
		}
	default:
		return fmt.Errorf("the recording compares by %q, which nobody knows", e.Match)
	}
	return nil
}

func (r *run) text(s string) string { return strings.ReplaceAll(s, recordedToken, r.token) }

// lines demands one line for each pattern; one with the prefix "*:" stands for any number of lines.
func (r *run) lines(want, lines []string) error {
	for i, pattern := range want {
		text, many := strings.CutPrefix(r.text(pattern), "*:")
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return err
		}
		switch {
		case many:
			for len(lines) > 0 && re.MatchString(lines[0]) {
				lines = lines[1:]
			}
		case len(lines) == 0:
			return fmt.Errorf("pattern %d %q: the answer has no more lines", i+1, pattern)
		case !re.MatchString(lines[0]):
			return fmt.Errorf("pattern %d %q: the line is %q", i+1, pattern, lines[0])
		default:
			lines = lines[1:]
		}
	}
	if len(lines) > 0 {
		return fmt.Errorf("%d lines too many, from %q on", len(lines), lines[0])
	}
	return nil
}

func anyLine(lines []string, prefix string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// http asks a command and compares fields of the JSON object that comes.
func (r *run) http(e *Event) error {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+r.Admin+e.Word, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: r.patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return fmt.Errorf("%s: %w\nanswer:\n%s", e.Word, err, body)
	}
	for _, want := range e.Want {
		name, value, exact := strings.Cut(want, "=")
		got, ok := fields[name]
		if !ok {
			return fmt.Errorf("%s: no field %q\nanswer:\n%s", e.Word, name, body)
		}
		if text := show(got); exact && text != value {
			return fmt.Errorf("%s: %s is %s, expected %s", e.Word, name, text, value)
		}
	}
	return nil
}
