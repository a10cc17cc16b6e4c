package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// jsonSchemas lists the fields and their types of every command's answer. Tools rely on these.
func jsonSchemas(t *testing.T, c *console) string {
	t.Helper()
	var b strings.Builder
	for _, cmd := range commands {
		about := cmd.about()
		name := about.names[0]
		fmt.Fprintf(&b, "%s (%s)\n", name, strings.Join(about.names[1:], ", "))
		if name == "set_trace_mask" {
			name += "?traceMask=1"
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(httpAnswer(t, c, name)), &object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch name {
		case "system_properties":
			b.WriteString("  <setting>: string\n")
			continue // the table of settings has tests of its own
		case "monitor":
			b.WriteString("  <key of the word mntr, without zk_>: number or string\n")
			continue // the word's answer shows all of them
		}
		schema(&b, "  ", object)
	}
	return b.String()
}

func schema(b *strings.Builder, indent string, object map[string]any) {
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(b, "%s%s: %s\n", indent, k, kindOf(object[k]))
		switch v := object[k].(type) {
		case map[string]any:
			schema(b, indent+"  ", v)
		case []any:
			if len(v) > 0 {
				if first, ok := v[0].(map[string]any); ok {
					schema(b, indent+"  ", first)
				}
			}
		}
	}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		if len(v) == 0 {
			return "list, empty"
		}
		return "list of " + kindOf(v[0])
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", v)
}
