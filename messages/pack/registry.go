package pack

import (
	"fmt"
	"reflect"

	"github.com/troupekeeper/troupe/messages"
)

// Code says which type of message a frame holds. The numbers are listed in the package comment.
type Code uint16

// registered is the one list of all message types. A code is never used again for something else.
var registered = []struct {
	code Code
	zero any
}{
	{1, messages.Request{}},
	{2, messages.Requests{}},
	{3, messages.Proposal{}},
	{4, messages.Proposals{}},
	{5, messages.Committed{}},
	{6, messages.Refusal{}},
	{7, messages.Refusals{}},
	{8, messages.Delivery{}},
	{9, messages.Deliveries{}},
	{10, messages.Output{}},
	{11, messages.Applied{}},
	{12, messages.DiskSpace{}},

	{20, messages.Connect{}},
	{21, messages.SessionReady{}},
	{22, messages.SessionRefused{}},
	{23, messages.CloseConn{}},
	{24, messages.ConnClosed{}},
	{25, messages.ConnIdentities{}},
	{26, messages.Touch{}},
	{27, messages.Revalidate{}},
	{28, messages.Revalidated{}},
	{29, messages.SessionOpened{}},
	{30, messages.SessionClosed{}},
	{31, messages.BucketJoin{}},
	{32, messages.BucketLeave{}},
	{33, messages.BucketDue{}},
	{35, messages.SessionInfo{}},
	{36, messages.UpgradeRefused{}},
	{37, messages.SessionsExpired{}},

	{50, messages.FourLetterWord{}},
	{51, messages.WatchQuery{}},
	{52, messages.WatchReport{}},
	{53, messages.WatchEntry{}},
	{54, messages.SessionQuery{}},
	{55, messages.SessionReport{}},
	{56, messages.BucketReport{}},

	{70, messages.Identity{}},
	{71, messages.ACL{}},
	{72, messages.Stat{}},
	{73, messages.TxnHeader{}},

	{81, messages.CreateTxn{}},
	{82, messages.DeleteTxn{}},
	{83, messages.SetDataTxn{}},
	{84, messages.SetACLTxn{}},
	{85, messages.CreateSessionTxn{}},
	{86, messages.CloseSessionTxn{}},
	{87, messages.MultiTxn{}},

	{100, messages.Hello{}},
	{101, messages.HelloRefused{}},
	{102, messages.KeepAlive{}},
	{103, messages.Vote{}},
	{104, messages.Notification{}},
	{105, messages.Elected{}},

	{120, messages.LearnerInfo{}},
	{121, messages.LeaderInfo{}},
	{122, messages.EpochAck{}},
	{123, messages.Truncate{}},
	{124, messages.Truncated{}},
	{125, messages.SnapBegin{}},
	{126, messages.SnapChunk{}},
	{127, messages.SnapCredit{}},
	{128, messages.History{}},
	{129, messages.NewLeader{}},
	{130, messages.NewLeaderAck{}},
	{131, messages.UpToDate{}},
	{132, messages.Propose{}},
	{133, messages.Ack{}},
	{134, messages.Commit{}},
	{135, messages.Inform{}},
	{136, messages.Ping{}},
	{137, messages.Pong{}},
	{138, messages.Touches{}},
	{139, messages.Words{}},
	{140, messages.Durable{}},
	{141, messages.SyncWishes{}},
	{142, messages.SyncWish{}},
	{143, messages.SessionHome{}},
	{144, messages.HandOver{}},
	{145, messages.ProposedMembers{}},
	{146, messages.Followers{}},
}

// message is what the package knows about one type.
type message struct {
	code  Code
	typ   reflect.Type
	shape *shape // nil for transaction bodies, which have an encoding of their own
}

var (
	byCode = map[Code]*message{}
	byType = map[reflect.Type]*message{}

	txnBody = reflect.TypeFor[messages.TxnBody]()
)

func init() {
	for _, r := range registered {
		m := &message{code: r.code, typ: reflect.TypeOf(r.zero)}
		if byCode[m.code] != nil || byType[m.typ] != nil {
			panic(fmt.Sprintf("pack: code %d or type %v is registered twice", m.code, m.typ))
		}
		if !reflect.PointerTo(m.typ).Implements(txnBody) {
			m.shape = shapeOf(m.typ)
		}
		byCode[m.code], byType[m.typ] = m, m
	}
}

// CodeOf is the code of a message, which may be a value or a pointer; ok is false for what is no message.
func CodeOf(msg any) (code Code, ok bool) {
	m := lookUp(msg)
	if m == nil {
		return 0, false
	}
	return m.code, true
}

// String is the name of the message type, or the number of an unknown one.
func (c Code) String() string {
	if m := byCode[c]; m != nil {
		return m.typ.Name()
	}
	return fmt.Sprintf("message %d", uint16(c))
}

func lookUp(msg any) *message {
	t := reflect.TypeOf(msg)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return byType[t]
}
