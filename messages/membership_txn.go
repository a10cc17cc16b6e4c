package messages

import "fmt"

// A change of members is an ordinary transaction: it sets the data of ConfigPath, and its operation is OpReconfig. No client
// can make one in another way, since the desk decides about all that have this operation.

// ReconfigVersion is the version that the node of ConfigPath has after each change of members, as in ZooKeeper.
const ReconfigVersion = -1

// ReconfigTxn is the body of the transaction that makes a membership the ensemble's.
func ReconfigTxn(m Membership) *SetDataTxn {
	return &SetDataTxn{Path: ConfigPath, Data: []byte(m.String()), Version: ReconfigVersion}
}

// Membership is what a change of members makes of them; ok is false if the proposal is something else. An error tells of a
// text that can't be read or isn't of this transaction.
func (p *Proposal) Membership() (m Membership, ok bool, err error) {
	body, ok := p.Body.(*SetDataTxn)
	if p.Header.Op != OpReconfig || !ok {
		return Membership{}, false, nil
	}
	if m, err = ParseMembership(string(body.Data)); err == nil && m.Version != p.Header.Zxid {
		err = fmt.Errorf("its version is %x", uint64(m.Version))
	}
	if err != nil {
		return Membership{}, true, fmt.Errorf("change of members %v: %w", p.Header.Zxid, err)
	}
	return m, true, nil
}
