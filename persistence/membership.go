package persistence

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// MembershipFile is the name of the file that keeps who belongs to the ensemble.
const MembershipFile = "membership"

// membershipLimit bounds the file: 255 members with all their addresses, four times, are far below it.
const membershipLimit = 4 << 20

// Memberships is what a server must know of its ensemble after a restart. They are replaced together, so there is no moment
// between them at which the power could go.
type Memberships struct {
	// Configured is what the configuration said when the others were written. If it says something else at a start, a person
	// has changed it since.
	Configured messages.Membership
	Current    messages.Membership // the newest that is known to be committed
	// Proposed is a change that this server has acknowledged, or is about to, and that may be committed: until it is known, a
	// quorum must be one of these members too. Version 0: there is none.
	Proposed messages.Membership
	// Former are places at which members were before, as the addresses of one line each: who was away while it was moved is
	// still there. Without Members there are none.
	Former messages.Membership
}

const (
	membershipConfigured = "[configured]"
	membershipCurrent    = "[current]"
	membershipProposed   = "[proposed]"
	membershipFormer     = "[former]"
)

// Membership reads what SetMembership has written; ok is false if it never has. A damaged file is a *DamageError: a server
// that has forgotten a membership could decide with those who left.
func (s *Store) Membership() (m Memberships, ok bool, err error) {
	file := path.Join(s.dir.EpochDir, MembershipFile)
	b, err := readSmallFile(s.o.FS, file, membershipLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("read the membership: %w", err)
	}
	if m, err = parseMemberships(string(b)); err != nil {
		return m, false, &DamageError{File: file, What: err.Error(), Lost: "who belongs to the ensemble",
			Remedy: "bring the file back from a copy, or write the present members into this server's configuration and remove the file"}
	}
	return m, true, nil
}

// SetMembership replaces it, durably.
func (s *Store) SetMembership(m Memberships) error {
	text := formatMemberships(m)
	if err := writeFileAtomic(s.o.FS, path.Join(s.dir.EpochDir, MembershipFile), []byte(text)); err != nil {
		return fmt.Errorf("write the membership of version %x: %w", uint64(m.Current.Version), err)
	}
	return nil
}

// formatMemberships writes each membership under its heading, as clients read it, and a checksum over all in the last line.
func formatMemberships(m Memberships) string {
	var b strings.Builder
	section := func(heading string, m messages.Membership) { fmt.Fprintf(&b, "%s\n%s\n", heading, m.String()) }
	section(membershipConfigured, m.Configured)
	section(membershipCurrent, m.Current)
	if m.Proposed.Version != 0 {
		section(membershipProposed, m.Proposed)
	}
	if len(m.Former.Members) > 0 {
		section(membershipFormer, m.Former)
	}
	fmt.Fprintf(&b, "crc32c=%08x\n", crc32.Checksum([]byte(b.String()), castagnoli))
	return b.String()
}

func parseMemberships(text string) (m Memberships, err error) {
	body, sum, ok := strings.Cut(text, "crc32c=")
	if !ok || sum != fmt.Sprintf("%08x\n", crc32.Checksum([]byte(body), castagnoli)) {
		return m, errors.New("it does not end with its checksum")
	}
	body, former, hasFormer := strings.Cut(body, membershipFormer+"\n")
	body, proposed, hasProposed := strings.Cut(body, membershipProposed+"\n")
	configured, current, ok := strings.Cut(body, membershipCurrent+"\n")
	configured, found := strings.CutPrefix(configured, membershipConfigured+"\n")
	if !ok || !found {
		return m, errors.New("it does not hold the headings " + membershipConfigured + " and " + membershipCurrent)
	}
	m.Configured, err = messages.ParseMembership(configured)
	if err == nil {
		m.Current, err = messages.ParseMembership(current)
	}
	if err == nil && hasProposed {
		m.Proposed, err = messages.ParseMembership(proposed)
	}
	if err == nil && hasFormer {
		m.Former, err = messages.ParseMembership(former)
	}
	return m, err
}
