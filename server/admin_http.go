package server

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/zerolog"
)

// httpCommands is the front end of the commands over HTTP.
type httpCommands struct {
	console *console
	base    string // path of the list, without a slash at its end
	log     zerolog.Logger
	origins http.CrossOriginProtection
}

// allow answers a request of another method than those given, and tells whether it did not have to.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(w, "method "+r.Method+" is not allowed here", http.StatusMethodNotAllowed)
	return false
}

// command runs one command. As in ZooKeeper, an error is told in the answer's field "error", and the status is 200.
func (h *httpCommands) command(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	cmd, ok := commandsByName[name]
	if !ok {
		if allow(w, r, http.MethodGet, http.MethodHead) {
			h.write(w, name, nil, "Unknown command: "+name)
		}
		return
	}
	about := cmd.about()
	methods := []string{http.MethodGet, http.MethodHead}
	if about.post {
		methods = []string{http.MethodPost}
	}
	if !allow(w, r, methods...) {
		return
	}
	// Without this any web page could act through the browser of whoever may use the port.
	if err := h.origins.Check(r); err != nil {
		http.Error(w, "a page of another origin may not do this", http.StatusForbidden)
		return
	}
	result, err := runCommand(h.console, cmd, r.URL.Query())
	if err != nil {
		h.write(w, about.names[0], nil, err.Error())
		return
	}
	h.write(w, about.names[0], result, "")
}

func (h *httpCommands) write(w http.ResponseWriter, name string, result commandResult, problem string) {
	body, err := commandJSON(name, result, problem)
	if err != nil {
		h.log.Error().Err(err).Str("command", name).Msg("an answer can't be written as JSON")
		http.Error(w, "the answer can't be written, see the server's log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// commandJSON is the answer's object: the command's own fields, then "command" and "error", which all answers have.
func commandJSON(name string, result commandResult, problem string) ([]byte, error) {
	if result == nil {
		result = emptyResult{}
	}
	own, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	tail := fields{{"command", name}, {"error", nil}}
	if problem != "" {
		tail[1].value = problem
	}
	common, err := json.Marshal(tail)
	if err != nil {
		return nil, err
	}
	object := own
	if len(own) > len("{}") {
		object = append(own[:len(own)-1], ',')
		object = append(object, common[1:]...)
	} else {
		object = common
	}
	var b bytes.Buffer
	if err := json.Indent(&b, object, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// health answers probes of load balancers and container platforms: 200 while clients are served, 503 otherwise.
func (h *httpCommands) health(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if h.console.view() == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not serving\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// list shows the commands as links with a sentence each.
func (h *httpCommands) list(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	type row struct{ Link, Name, Other, Help string }
	page := struct {
		Version string
		Rows    []row
	}{Version: VersionText()}
	for _, c := range commands {
		about := c.about()
		page.Rows = append(page.Rows, row{
			Link: h.base + "/" + about.names[0], Name: about.names[0],
			Other: strings.Join(about.names[1:], ", "), Help: about.help,
		})
	}
	slices.SortFunc(page.Rows, func(a, b row) int { return strings.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := commandList.Execute(w, page); err != nil {
		h.log.Debug().Err(err).Msg("the list of commands was not taken")
	}
}

var commandList = template.Must(template.New("commands").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Troupe commands</title></head>
<body>
<h1>Commands</h1>
<p>{{.Version}}</p>
<table>
{{- range .Rows}}
<tr><td><a href="{{.Link}}">{{.Name}}</a></td><td>{{.Other}}</td><td>{{.Help}}</td></tr>
{{- end}}
</table>
</body>
</html>
`))
