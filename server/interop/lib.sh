# Shared by `run` and by each suite's `suite` script: installing needs, finding ports, starting and stopping servers.
# Source it; it defines functions only.

# say_skip SUITE REASON prints the counts of a suite that could not run here, with the reason in plain words, and
# leaves the suite. Not being able to install a client is not a failure of the server.
say_skip() {
	echo "skip $1: $2"
	echo "$1: 0 passed, 0 failed, 1 skipped"
	exit 0
}

# as_root COMMAND... runs a command as root, or fails when that needs a password.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# apt_has PACKAGE... tells whether all of the packages are installed.
apt_has() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || return 1
	done
}

# need_apt PACKAGE... makes sure that Debian packages are there. It asks the network only when one is missing: first
# with the package lists that are there already, then with fresh ones. It fails when they can't be had.
need_apt() {
	apt_has "$@" && return 0
	command -v apt-get >/dev/null || return 1
	local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
	{
		as_root "${install[@]}" ||
			{ as_root apt-get update -q && as_root "${install[@]}"; }
	} >>"$INTEROP_TMP/apt.log" 2>&1
	apt_has "$@"
}

# need_java makes sure that a Java compiler and Debian's ZooKeeper (client, shell and server) are there.
need_java() {
	command -v javac >/dev/null || need_apt default-jdk-headless || return 1
	need_apt zookeeper || return 1
	[ -r /usr/share/java/zookeeper.jar ]
}

# accepts HOST:PORT tells whether somebody listens there.
accepts() { (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

# serves HOST:PORT tells whether a server there serves clients, as the four-letter word srvr says; it is the one word that
# every server allows. (ruok is answered before the data is loaded.)
serves() { [ -n "$(mode_of "$1")" ]; }

# mode_of HOST:PORT prints how the server there serves: standalone, leader, follower …; nothing if it does not.
mode_of() {
	(
		exec 2>/dev/null
		exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || exit 1
		printf srvr >&3
		timeout 2 cat <&3
	) | sed -n 's/^Mode: //p'
}

# free_port prints a TCP port of the loopback interface on which nobody listens.
free_port() { free_ports 1; }

# free_ports COUNT prints so many of them, a line each.
free_ports() {
	local port found=""
	while [ "$(wc -w <<<"$found")" -lt "$1" ]; do
		port=$((20000 + RANDOM % 12000))
		[[ " $found " == *" $port "* ]] && continue
		accepts "127.0.0.1:$port" || found+=" $port"
	done
	tr ' ' '\n' <<<"${found# }"
}

# write_config FOLDER PORT writes FOLDER/zoo.cfg: the profile that the suites expect of a server. Short ticks keep the
# tests of expiry short; TTL nodes, hard quotas, all four-letter words and the super user are on.
write_config() {
	mkdir -p "$1/data"
	cat >"$1/zoo.cfg" <<-CONFIG
		tickTime=500
		dataDir=$1/data
		clientPort=$2
		clientPortAddress=127.0.0.1
		maxClientCnxns=0
		admin.enableServer=false
		4lw.commands.whitelist=*
		extendedTypesEnabled=true
		enforceQuota=true
		znode.container.checkIntervalMs=500
		DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=
	CONFIG
}

# start_troupe FOLDER BINARY starts Troupe with FOLDER/zoo.cfg and sets server_pid.
start_troupe() {
	"$2" serve "$1/zoo.cfg" >>"$1/server.log" 2>&1 </dev/null &
	server_pid=$!
}

# start_zookeeper FOLDER starts Debian's ZooKeeper, the yardstick, in the same way. The interval at which it sweeps
# containers is a system property there, not a key of zoo.cfg.
start_zookeeper() {
	java -Xmx512m -Dznode.container.checkIntervalMs=500 -cp /usr/share/java/zookeeper.jar \
		org.apache.zookeeper.server.quorum.QuorumPeerMain "$1/zoo.cfg" >>"$1/server.log" 2>&1 </dev/null &
	server_pid=$!
}

# await_server HOST:PORT PID LOG waits until the server answers; it gives up when the process ends or after a minute.
await_server() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		serves "$1" && return 0
		kill -0 "$2" 2>/dev/null || break
		sleep 0.2
	done
	echo "interop: the server at $1 does not serve; its log ends with:" >&2
	tail -n 20 "$3" >&2
	return 1
}

# stop_server PID ends a server that we started: politely, and by force when it has not ended after ten seconds.
stop_server() {
	local tries
	kill "$1" 2>/dev/null || return 0
	for ((tries = 0; tries < 50; tries++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.2
	done
	kill -9 "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
