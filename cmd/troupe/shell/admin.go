package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultAdmin is where a server's commands over HTTP are unless its configuration says otherwise.
	DefaultAdmin = "127.0.0.1:8080"

	adminPatience    = 30 * time.Second // a leader takes its time to hand over
	adminAnswerLimit = 1 << 20
)

// askAdmin runs a command over HTTP at Options.Admin and reads its answer. An error that the server tells is the error.
func (s *Shell) askAdmin(ctx context.Context, method, name string, arguments url.Values, answer any) error {
	base, err := adminURL(s.opts.Admin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, adminPatience)
	defer cancel()
	target := base + "/" + name
	if len(arguments) > 0 {
		target += "?" + arguments.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no answer from the HTTP commands: %w; --admin host:port names the port, which the configuration calls "+
			"admin.serverPort", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, adminAnswerLimit))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", target, err)
	}
	var common struct{ Error *string }
	if err := json.Unmarshal(body, &common); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: this is not what a server's commands answer", target, response.Status)
	}
	if common.Error != nil {
		return errors.New(*common.Error)
	}
	return json.Unmarshal(body, answer)
}

// adminURL completes host:port[/path] to the address of the commands; the path is the server's admin.commandURL.
func adminURL(text string) (string, error) {
	address, path, _ := strings.Cut(strings.TrimPrefix(text, "http://"), "/")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "", fmt.Errorf("--admin %q: expected host:port, for example %s", text, DefaultAdmin)
	}
	if path = strings.Trim(path, "/"); path == "" {
		path = "commands"
	}
	return "http://" + address + "/" + path, nil
}
