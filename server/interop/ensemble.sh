# An ensemble on this machine for `run`: starting its members, finding the leader, killing it again and again.
# Source it behind lib.sh. Each member has a folder with zoo.cfg, server.log and a file pid; $kind and $binary tell what
# to start.

member_folders=() member_addresses=()

# start_member FOLDER starts a member, for the first time or again.
start_member() {
	if [ "$kind" = zookeeper ]; then start_zookeeper "$1"; else start_troupe "$1" "$binary"; fi
	disown "$server_pid" # else the shell reports how it ends
	echo "$server_pid" >"$1/pid"
}

# start_ensemble COUNT LAG makes the members' folders, starts them, and waits until all of them serve. If LAG is not
# empty, members reach each other through relays that keep everything back for up to so many milliseconds.
start_ensemble() {
	local ports i folder
	mapfile -t ports < <(free_ports $((4 * $1)))
	for ((i = 0; i < $1; i++)); do
		folder=$work/member$((i + 1))
		member_folders+=("$folder")
		member_addresses+=("127.0.0.1:${ports[4 * i]}")
		write_config "$folder" "${ports[4 * i]}"
		echo $((i + 1)) >"$folder/data/myid"
		write_members "$1" $((i + 1)) "$2" "${ports[@]}" >>"$folder/zoo.cfg"
		if [ -n "$2" ]; then
			python3 "$here/pylib/lag.py" "${ports[4 * i + 3]}" "${ports[4 * i + 1]}" "$2" &
			echo $! >"$folder/lag.pid"
		fi
		start_member "$folder"
	done
	for ((i = 0; i < $1; i++)); do
		folder=${member_folders[i]}
		await_server "${member_addresses[i]}" "$(<"$folder/pid")" "$folder/server.log" || return 1
	done
}

# write_members COUNT SELF LAG PORT... prints the lines about the ensemble of the zoo.cfg of member SELF. Of the ports of
# each member the first is for clients, the second for the quorum, the third for the election, the fourth of its relay.
write_members() {
	local count=$1 self=$2 lag=$3 id quorum
	shift 3
	printf '%s\n' initLimit=20 syncLimit=10 standaloneEnabled=false
	for ((id = 1; id <= count; id++)); do
		quorum=$2
		[ -z "$lag" ] || [ "$id" = "$self" ] || quorum=$4
		echo "server.$id=127.0.0.1:$quorum:$3;127.0.0.1:$1"
		shift 4
	done
}

# find_member MODE prints the index of a member that is in this mode: leader, follower. It fails when there is none.
find_member() {
	local i
	for i in "${!member_addresses[@]}"; do
		[ "$(mode_of "${member_addresses[i]}")" != "$1" ] || { echo "$i"; return; }
	done
	return 1
}

# ended_member prints the folder of a member that does not run, if there is one.
ended_member() {
	local folder
	for folder in "${member_folders[@]}"; do
		kill -0 "$(<"$folder/pid")" 2>/dev/null || { echo "$folder"; return; }
	done
	return 1
}

# kill_leaders kills the leader, starts it again when the others have had a moment to find a new one, and goes on with
# that every few seconds until the file $work/calm appears. It counts in $work/kills, and reports in $work/trouble a
# member that ended by itself or does not come back.
kill_leaders() {
	local kills=0 index folder gone
	while [ ! -e "$work/calm" ]; do
		sleep "$((2 + RANDOM % 3)).$((RANDOM % 10))"
		if gone=$(ended_member); then
			echo "a member ended by itself; the end of $gone/server.log:" >"$work/trouble"
			tail -n 40 "$gone/server.log" >>"$work/trouble"
			return
		fi
		index=$(find_member leader) || continue
		folder=${member_folders[index]}
		kill -9 "$(<"$folder/pid")" && echo $((++kills)) >"$work/kills"
		while accepts "${member_addresses[index]}"; do sleep 0.1; done
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		start_member "$folder"
		if ! await_server "${member_addresses[index]}" "$server_pid" "$folder/server.log" 2>"$work/trouble"; then
			return
		fi
		rm "$work/trouble"
	done
}

# stop_ensemble ends members and relays.
stop_ensemble() {
	local folder pid
	for folder in "${member_folders[@]}"; do
		for pid in pid lag.pid; do
			[ ! -e "$folder/$pid" ] || stop_server "$(<"$folder/$pid")"
		done
	done
}
