#!/usr/bin/env bash
# Apache Kafka on loopback, for development and tests: KRaft, every node broker and controller at once.
#
#   kafka.sh up         resolve, format and start what is not running yet; wait until it serves; print its address
#   kafka.sh down       stop the nodes this clone started on KAFKA_PORT, and nothing else
#   kafka.sh addr       print the address if all nodes run; exit 1 otherwise
#   kafka.sh kill N     kill -9 node N (from 1); `up` starts it again on the same data
#   kafka.sh stop N     stop node N as an operator would: it hands its partitions over first; `up` starts it again
#   kafka.sh data N     print the folder with the logs of node N
#   kafka.sh resolve    only fetch the jars; print their folder
#
# Environment:
#   KAFKA_PORT       9092     port of node 1; node i listens on KAFKA_PORT + 2(i-1), its controller on the next port.
#                             `auto` takes the first free range from 19092 up and deletes the data on `down`
#   KAFKA_BROKERS    1        nodes of a new cluster; with 3 or more every topic can be replicated 3 times
#   KAFKA_VERSION             default: the version pinned in pom.xml, else the newest 4.x that resolves and runs.
#                             `newest` looks for that one at once; any other value is used as it is
#   KAFKA_FRESH      0        1: `up` deletes the data of an earlier run first (its nodes must be down)
#   KAFKA_WHILE_PID           `up` leaves a watcher behind that stops the cluster when this process has ended
#   KAFKA_HEAP       1g       heap of one node
#   KAFKA_JVM                 more settings of the JVM; -XX:TieredStopAtLevel=1 makes a start cheaper and the work dearer
#   KAFKA_PROPERTIES          file with more settings of a node, which win over its own: listeners with TLS and logins, for one. {port+N}
#                             in it stands for KAFKA_PORT + N, N up to 9; port 0 must stay a listener without either. For one node
#   KAFKA_WAIT       90       seconds to wait for it to serve
#
# Jars go to $XDG_CACHE_HOME/weir/kafka or, without it, to .cache/kafka of the project; data always to the latter.
# stdout carries the answer (an address, a folder), stderr the progress.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
home=$root/.cache/kafka
jars=${XDG_CACHE_HOME:+$XDG_CACHE_HOME/weir/kafka}
jars=${jars:-$home}/jars
port=${KAFKA_PORT:-9092}
# A session of its own: Ctrl-C in the terminal that started a node is not meant for the node.
detach=(nohup)
if command -v setsid >/dev/null; then detach=(setsid nohup); fi
tries=5 # versions looked at when the pinned one cannot be had

say() { echo "kafka: $*" >&2; }
die() { say "$*"; exit 1; }
# Exit status 3: not broken, but something has to be installed or reached first. internal/realbrokers skips on it.
missing() { say "$*"; exit 3; }

need() {
	command -v "$1" >/dev/null || missing "$1 not found: $2"
}

# ---- jars -----------------------------------------------------------------------------------------------------------------

pinned() { sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml"; }

# Maven remembers for a day that a download failed, so the second attempt asks again (-U).
fetch_jars() { # version, folder
	local log=$jars/mvn-$1.log update
	for update in "" -U; do
		rm -rf "$2"
		if mvn -B -ntp $update -f "$here/pom.xml" -Dkafka.version="$1" -DincludeScope=runtime -DoutputDirectory="$2" \
			dependency:copy-dependencies </dev/null >"$log" 2>&1; then
			return 0
		fi
	done
	say "version $1 does not resolve: $(sed -n 's/.*: \([^ ]*:jar:[^ ]*\) was not found.*/\1 is missing/p; s/.*Could not find artifact \([^ ]*\).*/\1 is missing/p' "$log" | head -1) (see $log)"
	return 1
}

# Fetches one version unless it is there, and proves that this Java can run it: prints its folder.
try_version() {
	local dir=$jars/$1 part=$jars/.part-$1
	if [ ! -d "$dir" ]; then
		say "fetching Apache Kafka $1 through Maven"
		fetch_jars "$1" "$part" || return 1
		if ! java -cp "$part/*" kafka.Kafka --version >"$jars/java-$1.log" 2>&1; then
			say "version $1 does not run on $(java -version 2>&1 | head -1): $(head -1 "$jars/java-$1.log")"
			return 1
		fi
		mv "$part" "$dir"
	fi
	echo "$dir"
}

# All 4.x releases, newest first. Resolving a range makes Maven fetch the list of versions even where the newest is incomplete.
known_versions() {
	local repository
	mvn -B -ntp -q -f "$here/pom.xml" '-Dkafka.version=[4.0,5.0)' dependency:resolve </dev/null >"$jars/mvn-versions.log" 2>&1 || true
	repository=$(mvn -B -q -f "$here/pom.xml" help:evaluate -Dexpression=settings.localRepository -DforceStdout </dev/null 2>/dev/null |
		sed $'s/\033\\[[0-9;]*m//g' | grep '^/' | tail -1) || true
	sed -n 's:.*<version>\(4\.[0-9.]*\)</version>.*:\1:p' "$repository"/org/apache/kafka/kafka_2.13/maven-metadata-*.xml 2>/dev/null | sort -u -V -r
}

resolve() {
	need java "install a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)"
	mkdir -p "$jars"
	local want=${KAFKA_VERSION:-$(pinned)} version versions
	if [ "$want" != newest ] && [ -d "$jars/$want" ]; then
		echo "$jars/$want"
		return
	fi
	need mvn "install Apache Maven (Debian: maven)"
	if [ "$want" != newest ]; then
		try_version "$want" && return
		[ -z "${KAFKA_VERSION:-}" ] || missing "KAFKA_VERSION=$want cannot be had"
	fi
	versions=$(known_versions | head -"$tries")
	[ -n "$versions" ] || missing "no version of Apache Kafka found through Maven (see $jars/mvn-versions.log)"
	for version in $versions; do
		if [ "$version" != "$want" ] && try_version "$version"; then return; fi
	done
	missing "none of these resolves and runs: $(echo $versions)"
}

# ---- nodes ----------------------------------------------------------------------------------------------------------------

cluster() { echo "$home/cluster-$1"; }
brokers() { cat "$(cluster "$1")/brokers" 2>/dev/null || echo 0; }

address() { # port
	local i list=
	for ((i = 1; i <= $(brokers "$1"); i++)); do list+=,127.0.0.1:$(($1 + 2 * (i - 1))); done
	echo "${list#,}"
}

# Prints the pid of node i if that process is alive and is ours: a pid file outlives its process and pids come round again.
pid_of() { # port, node
	local dir pid args
	dir=$(cluster "$1")/node-$2
	pid=$(cat "$dir/pid" 2>/dev/null) || return 1
	[ -n "$pid" ] || return 1
	if [ -d /proc/self ]; then
		args=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
	else
		args=$(ps -o args= -p "$pid") || return 1
	fi
	case $args in *"$dir/server.properties"*) echo "$pid" ;; *) return 1 ;; esac
}

running() { # port: how many nodes run
	local i n=0
	for ((i = 1; i <= $(brokers "$1"); i++)); do if pid_of "$1" "$i" >/dev/null; then n=$((n + 1)); fi; done
	echo "$n"
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

node_properties() { # port, node, nodes
	local i voters= replicas=1 in_sync=1 data
	for ((i = 1; i <= $3; i++)); do voters+=,$i@127.0.0.1:$(($1 + 2 * i - 1)); done
	if [ "$3" -ge 3 ]; then replicas=3 in_sync=2; fi
	data=$(cluster "$1")/node-$2/data
	cat <<-END
		process.roles=broker,controller
		node.id=$2
		controller.quorum.voters=${voters#,}
		controller.listener.names=CONTROLLER
		listeners=PLAINTEXT://127.0.0.1:$(($1 + 2 * ($2 - 1))),CONTROLLER://127.0.0.1:$(($1 + 2 * $2 - 1))
		log.dirs=$data

		# Nothing vanishes by age or size; a topic nobody created is an error, not a topic with one partition.
		log.retention.ms=-1
		log.retention.bytes=-1
		auto.create.topics.enable=false
		default.replication.factor=$replicas
		min.insync.replicas=$in_sync

		# Small internal topics and no waiting for more members: tests start many groups.
		offsets.topic.num.partitions=5
		offsets.topic.replication.factor=$replicas
		transaction.state.log.num.partitions=5
		transaction.state.log.replication.factor=$replicas
		transaction.state.log.min.isr=$in_sync
		# How often the coordinator looks for transactions that are out of time: tests wait for it.
		transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
		share.coordinator.state.topic.num.partitions=1
		share.coordinator.state.topic.replication.factor=$replicas
		share.coordinator.state.topic.min.isr=$in_sync
		group.initial.rebalance.delay.ms=0
		group.min.session.timeout.ms=1000
		controlled.shutdown.enable=true
	END
	if [ -n "${KAFKA_PROPERTIES:-}" ]; then # of two lines for one setting the later one holds
		local n script=
		for ((n = 0; n < 10; n++)); do script+="s/{port+$n}/$(($1 + n))/g;"; done
		sed "$script" "$KAFKA_PROPERTIES"
	fi
}

# A uuid as Kafka writes it: 16 bytes in URL-safe base64, not starting with '-', which would look like an option.
random_uuid() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/A/'; }

# Sets java_node to the command that runs a class of Kafka for the node in a folder. An array and not a function, because only a
# simple command sent to the background is the process whose pid `$!` tells.
set_java_node() { # folder of the node
	# shellcheck disable=SC2206 # several words are meant
	local more=(${KAFKA_JVM:-})
	java_node=(java -Xms256m "-Xmx${KAFKA_HEAP:-1g}" "${more[@]}" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true
		"-Dlog4j2.configurationFile=$here/log4j2.properties" -Dlog4j2.disable.jmx=true "-Dweir.log=$1/server.log" -cp "$libs/*")
}

start_node() { # port, node, nodes
	local dir p left=50
	dir=$(cluster "$1")/node-$2
	for p in $(($1 + 2 * ($2 - 1))) $(($1 + 2 * $2 - 1)); do
		if port_taken "$p"; then die "port $p is taken by something else: choose another with KAFKA_PORT=..."; fi
	done
	mkdir -p "$dir"
	node_properties "$1" "$2" "$3" >"$dir/server.properties"
	set_java_node "$dir"
	if ! "${java_node[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$(cat "$(cluster "$1")/id")" \
		-c "$dir/server.properties" </dev/null >"$dir/format.log" 2>&1; then
		die "format of $dir/data: $(tail -3 "$dir/format.log")"
	fi
	"${detach[@]}" "${java_node[@]}" kafka.Kafka "$dir/server.properties" </dev/null >"$dir/stdout.log" 2>&1 &
	echo $! >"$dir/pid"
	# Until it has become java, pid_of does not know it. If it never does, await reports that.
	until pid_of "$1" "$2" >/dev/null || [ "$left" = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}

# Waits until all nodes serve, and gives up at once when one of them has died.
await() { # port
	local n waiter i
	n=$(brokers "$1")
	(cd "$root" && exec go run ./internal/realbrokers/await -addr "$(address "$1")" -brokers "$n" -timeout "${KAFKA_WAIT:-90}s") >&2 &
	waiter=$!
	while kill -0 "$waiter" 2>/dev/null; do
		for ((i = 1; i <= n; i++)); do
			if ! pid_of "$1" "$i" >/dev/null; then
				kill "$waiter" 2>/dev/null || true
				tail -n 20 "$(cluster "$1")/node-$i/stdout.log" "$(cluster "$1")/node-$i/server.log" >&2 || true
				die "node $i ended while starting"
			fi
		done
		sleep 0.2
	done
	wait "$waiter" || die "does not serve; see $(cluster "$1")/node-*/server.log"
}

# ---- verbs ----------------------------------------------------------------------------------------------------------------

# The folder of a cluster is the claim on its ports, so that two that start at once do not choose the same. For clusters of another
# clone there is a link to it: a node that is down leaves its ports free, and they are its own all the same.
claim_free_port() {
	local p i dir more=${KAFKA_PROPERTIES:-}
	local claims=${TMPDIR:-/tmp}/weir-kafka-ports
	mkdir -p "$home" "$claims"
	if command -v flock >/dev/null; then
		exec 8>"$claims/lock"
		flock 8
	fi
	for ((p = 19092; p < 20000; p += 20)); do
		dir=$(cluster "$p")
		if [ -e "$dir" ]; then
			[ -e "$dir/ephemeral" ] && ! kill -0 "$(cat "$dir/ephemeral")" 2>/dev/null && [ "$(running "$p")" = 0 ] || continue
			rm -rf "$dir"
		fi
		if kill -0 "$(cat "$claims/$p/ephemeral" 2>/dev/null)" 2>/dev/null; then continue; fi
		for ((i = 0; i < (${#more} ? 10 : 2 * ${KAFKA_BROKERS:-1}); i++)); do
			if port_taken $((p + i)); then continue 2; fi
		done
		mkdir "$dir" 2>/dev/null || continue
		echo "${KAFKA_WHILE_PID:-$PPID}" >"$dir/ephemeral"
		ln -sfn "$dir" "$claims/$p"
		port=$p
		exec 8>&-
		return
	done
	die "no free port from 19092 to 20000"
}

lock() {
	if command -v flock >/dev/null; then
		exec 9>"$home/lock"
		flock 9
	fi
}

unlock() { exec 9>&-; }

up() {
	mkdir -p "$home"
	lock
	libs=$(resolve)
	if [ "$port" = auto ]; then claim_free_port; fi
	local dir n i
	dir=$(cluster "$port")
	n=$(brokers "$port")
	if [ "${KAFKA_FRESH:-0}" = 1 ] && [ ! -e "$dir/ephemeral" ]; then
		[ "$(running "$port")" = 0 ] || die "KAFKA_FRESH=1 would delete data in use: run kafka-down first"
		rm -rf "$dir"
		n=0
	fi
	if [ "$n" = 0 ]; then
		n=${KAFKA_BROKERS:-1}
		mkdir -p "$dir"
		random_uuid >"$dir/id"
		echo "$n" >"$dir/brokers"
	elif [ "${KAFKA_BROKERS:-$n}" != "$n" ]; then
		die "$dir holds a cluster of $n nodes, not ${KAFKA_BROKERS}: run kafka-down, then again with KAFKA_FRESH=1"
	fi
	if [ "$(running "$port")" != "$n" ]; then
		say "starting $(basename "$libs") on 127.0.0.1:$port, $n node(s), data in $dir"
		for ((i = 1; i <= n; i++)); do
			pid_of "$port" "$i" >/dev/null || start_node "$port" "$i" "$n" 9>&-
		done
	fi
	[ -e "$dir/up" ] || random_uuid >"$dir/up"
	unlock
	await "$port"
	if [ -n "${KAFKA_WHILE_PID:-}" ]; then watch_pid "$KAFKA_WHILE_PID"; fi
	address "$port"
}

watch_pid() {
	KAFKA_PORT=$port KAFKA_WHILE_PID='' "${detach[@]}" "$here/kafka.sh" watch "$1" </dev/null >/dev/null 2>&1 &
}

# Two ends: the process watched has gone, or the cluster was stopped by `down`, after which the ports may belong to another: the
# word in the file `up` tells one from the other. A node that was killed is no end.
watch() {
	local file word
	file=$(cluster "$port")/up
	word=$(cat "$file") || return 0
	while kill -0 "$1" 2>/dev/null; do
		[ "$(cat "$file" 2>/dev/null)" = "$word" ] || return 0
		sleep 0.5
	done
	if [ "$(cat "$file" 2>/dev/null)" = "$word" ]; then down; fi
}

down() {
	local dir i pid n signal=TERM left=150
	dir=$(cluster "$port")
	n=$(brokers "$port")
	rm -f "$dir/up"
	if [ -e "$dir/ephemeral" ]; then signal=KILL; fi # its data goes anyway
	if [ "$(running "$port")" = 0 ]; then say "nothing of this project runs on port $port"; fi
	for ((i = 1; i <= n; i++)); do
		if pid=$(pid_of "$port" "$i"); then
			say "stopping node $i (pid $pid)"
			kill -"$signal" "$pid" 2>/dev/null || true
		fi
	done
	while [ "$(running "$port")" != 0 ] && [ "$left" -gt 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
	# Nodes that stop together may wait for a controller that has gone already.
	for ((i = 1; i <= n; i++)); do
		if pid=$(pid_of "$port" "$i"); then kill -KILL "$pid" 2>/dev/null || true; fi
		rm -f "$dir/node-$i/pid"
	done
	if [ -e "$dir/ephemeral" ]; then rm -rf "$dir"; fi
}

addr() {
	local n
	n=$(brokers "$port")
	[ "$n" != 0 ] && [ "$(running "$port")" = "$n" ] || die "not running on port $port"
	address "$port"
}

# Returns when the node has ended and let go of its ports: a process that dies loses its memory, by which pid_of knows it, before its
# sockets.
end_node() { # signal, node
	local pid p left=1200
	pid=$(pid_of "$port" "$2") || die "node $2 is not running on port $port"
	kill -"$1" "$pid"
	p=$((port + 2 * ($2 - 1)))
	while pid_of "$port" "$2" >/dev/null || port_taken "$p" || port_taken $((p + 1)); do
		sleep 0.05
		left=$((left - 1))
		[ "$left" != 0 ] || die "node $2 does not end"
	done
}

case ${1:-} in
up) up ;;
down) down ;;
addr) addr ;;
kill) end_node KILL "${2:?which node?}" ;;
stop) end_node TERM "${2:?which node?}" ;;
data) echo "$(cluster "$port")/node-${2:?which node?}/data" ;;
resolve) resolve ;;
watch) watch "${2:?which pid?}" ;; # internal: see watch_pid
*) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
