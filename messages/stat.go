package messages

// Stat is what a client sees of a node beside its data. Times are milliseconds since 1970.
type Stat struct {
	_msgpack       struct{} `msgpack:",as_array"`
	Czxid          Zxid     // transaction that created the node
	Mzxid          Zxid     // transaction that last changed its data
	Ctime          int64
	Mtime          int64
	Version        int32 // changes of the data
	Cversion       int32 // creations plus deletions of children
	Aversion       int32 // changes of the ACL
	EphemeralOwner int64 // the owner's session id; 0 for all but ephemerals
	DataLength     int32
	NumChildren    int32
	Pzxid          Zxid // transaction that last created or deleted a child
}
