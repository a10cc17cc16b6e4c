package messages

import (
	"strings"
	"unicode/utf8"
)

// Names of the nodes that every tree has.
const (
	RootPath       = "/"
	SystemPath     = "/zookeeper"
	QuotaPath      = "/zookeeper/quota"
	ConfigPath     = "/zookeeper/config"
	QuotaLimitNode = "zookeeper_limits"
	QuotaStatNode  = "zookeeper_stats"
)

// ValidPath tells whether path may name a node: absolute, no empty, "." or ".." component, no trailing slash,
// only characters that ZooKeeper allows (in terms of UTF-16: no control characters, no surrogates and hence
// nothing beyond the basic plane, no private area, no specials). Invalid UTF-8 is refused as well.
func ValidPath(path string) bool {
	if path == RootPath {
		return true
	}
	if path == "" || path[0] != '/' || path[len(path)-1] == '/' {
		return false
	}
	start := 1
	for i := 1; i <= len(path); i++ {
		if i == len(path) || path[i] == '/' {
			if name := path[start:i]; name == "" || name == "." || name == ".." {
				return false
			}
			start = i + 1
		}
	}
	return validCharacters(path)
}

// validCharacters checks rune by rune only where a byte is outside the printable ASCII range, which is rare.
func validCharacters(path string) bool {
	for i := 0; i < len(path); {
		if c := path[i]; c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(path[i:])
		if (r == utf8.RuneError && size <= 1) || !validRune(r) {
			return false
		}
		i += size
	}
	return true
}

func validRune(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return false
	case r >= 0xd800 && r <= 0xf8ff, r >= 0xfff0:
		return false
	}
	return true
}

// ParentPath is the path of the node that holds path; the root's parent is the root.
func ParentPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return RootPath
	}
	return path[:i]
}

// BaseName is the last component of path.
func BaseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// JoinPath is the path of parent's child with that name.
func JoinPath(parent, name string) string {
	if parent == RootPath {
		return RootPath + name
	}
	return parent + "/" + name
}

// HasPathPrefix tells whether path is prefix itself or lies below it.
func HasPathPrefix(path, prefix string) bool {
	if prefix == RootPath {
		return true
	}
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

// IsBuiltIn tells whether path is one of the nodes that can't be deleted.
func IsBuiltIn(path string) bool {
	return path == RootPath || path == SystemPath || path == QuotaPath || path == ConfigPath
}
