package messages

import "strconv"

// ErrCode is the err field of a reply header. The zero value means success.
type ErrCode int32

// The codes that a server sends. Their meaning is fixed by the clients.
const (
	ErrOK                      ErrCode = 0
	ErrSystemError             ErrCode = -1
	ErrRuntimeInconsistency    ErrCode = -2
	ErrMarshalling             ErrCode = -5
	ErrUnimplemented           ErrCode = -6
	ErrBadArguments            ErrCode = -8
	ErrUnknownSession          ErrCode = -12
	ErrNewConfigNoQuorum       ErrCode = -13
	ErrReconfigInProgress      ErrCode = -14
	ErrNoNode                  ErrCode = -101
	ErrNoAuth                  ErrCode = -102
	ErrBadVersion              ErrCode = -103
	ErrNoChildrenForEphemerals ErrCode = -108
	ErrNodeExists              ErrCode = -110
	ErrNotEmpty                ErrCode = -111
	ErrSessionExpired          ErrCode = -112
	ErrInvalidACL              ErrCode = -114
	ErrAuthFailed              ErrCode = -115
	ErrSessionMoved            ErrCode = -118
	ErrNotReadOnly             ErrCode = -119
	ErrEphemeralOnLocalSession ErrCode = -120
	ErrNoWatcher               ErrCode = -121
	ErrReconfigDisabled        ErrCode = -123
	ErrSessionClosedNeedsAuth  ErrCode = -124
	ErrQuotaExceeded           ErrCode = -125
	ErrThrottledOp             ErrCode = -127
)

var errNames = map[ErrCode]string{
	ErrOK:                      "ok",
	ErrSystemError:             "system error",
	ErrRuntimeInconsistency:    "runtime inconsistency",
	ErrMarshalling:             "marshalling error",
	ErrUnimplemented:           "unimplemented",
	ErrBadArguments:            "bad arguments",
	ErrUnknownSession:          "unknown session",
	ErrNewConfigNoQuorum:       "no quorum of the new configuration is connected and up to date",
	ErrReconfigInProgress:      "another reconfiguration is in progress",
	ErrNoNode:                  "no node",
	ErrNoAuth:                  "not authorised",
	ErrBadVersion:              "bad version",
	ErrNoChildrenForEphemerals: "ephemerals can't have children",
	ErrNodeExists:              "node exists",
	ErrNotEmpty:                "node has children",
	ErrSessionExpired:          "session expired",
	ErrInvalidACL:              "invalid ACL",
	ErrAuthFailed:              "authentication failed",
	ErrSessionMoved:            "session moved",
	ErrNotReadOnly:             "not a read-only operation",
	ErrEphemeralOnLocalSession: "ephemeral on a local session",
	ErrNoWatcher:               "no such watcher",
	ErrReconfigDisabled:        "reconfiguration is disabled",
	ErrSessionClosedNeedsAuth:  "session closed: authentication required",
	ErrQuotaExceeded:           "quota exceeded",
	ErrThrottledOp:             "operation throttled",
}

// Error makes a code usable as an error value; a caller compares with errors.Is or ==.
func (e ErrCode) Error() string {
	if n, ok := errNames[e]; ok {
		return n
	}
	return "error " + strconv.Itoa(int(e))
}
