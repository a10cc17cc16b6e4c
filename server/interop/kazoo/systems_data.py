"""What Dubbo, Solr, ClickHouse and BookKeeper keep in ZooKeeper: registries, queues, replicated metadata."""

import urllib.parse

from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from clients import Record, clients, close, connect, fresh, spawn
from harness import equal, eventually, raises, test


@test()
def dubbo_registry():
    with clients(2) as (root, provider, consumer):
        service = root + "/com.example.Greeting"
        urls = ["dubbo://10.0.0.%d:20880/com.example.Greeting?methods=hello&side=provider" % number for number in (1, 2, 3)]

        def publish(zk, category, url):
            zk.ensure_path("%s/%s" % (service, category))
            path = "%s/%s/%s" % (service, category, urllib.parse.quote(url, safe=""))
            try:
                zk.create(path, b"10.0.0.1", ephemeral=True)
            except NodeExistsError:
                zk.delete(path)
                zk.create(path, b"10.0.0.1", ephemeral=True)

        known = Record()
        consumer.ensure_path(service + "/providers")

        @consumer.ChildrenWatch(service + "/providers")
        def changed(children):
            known.append(sorted(urllib.parse.unquote(child) for child in children))

        other = connect()
        publish(provider, "providers", urls[0])
        publish(provider, "providers", urls[1])
        publish(other, "providers", urls[2])
        publish(consumer, "consumers", "consumer://10.0.0.9/com.example.Greeting")
        eventually(lambda: known[-1] == urls, "all providers")
        close(other)
        eventually(lambda: known[-1] == urls[:2], "a provider that crashed is gone")
        publish(provider, "providers", urls[1])
        provider.delete("%s/providers/%s" % (service, urllib.parse.quote(urls[0], safe="")))
        eventually(lambda: known[-1] == [urls[1]], "a provider that left is gone")
        equal(provider.exists(service + "/providers").ephemeralOwner, 0, "the category stays")


@test()
def solr_overseer_queue():
    with clients(3) as (root, overseer, *nodes):
        for path in ("/queue", "/queue-work"):
            overseer.create(root + path)

        def offer(zk, message):
            """Puts a message and waits for the answer on a node of its own, as Solr's collection API does."""
            watched = zk.create(root + "/queue-work/qnr-", sequence=True, ephemeral=True)
            answered = Record()
            zk.get(watched, watch=answered.watcher)
            zk.create(root + "/queue-work/qn-" + watched[-10:], message)
            answered.wait_len(1)
            reply = zk.get(watched)[0]
            zk.delete(watched)
            return reply

        def serve(count):
            """Takes messages in order, answers each, and deletes it with its answer."""
            served = 0
            while served < count:
                changed = Record()
                work = sorted(name for name in overseer.get_children(root + "/queue-work", watch=changed.watcher) if name.startswith("qn-"))
                if not work:
                    changed.wait_len(1)
                for name in work:
                    message = overseer.get("%s/queue-work/%s" % (root, name))[0]
                    transaction = overseer.transaction()
                    transaction.set_data("%s/queue-work/qnr-%s" % (root, name[3:]), b"done " + message)
                    transaction.delete("%s/queue-work/%s" % (root, name))
                    assert not any(isinstance(result, Exception) for result in transaction.commit())
                    served += 1

        serving = spawn(serve, 20)
        asking = [spawn(lambda zk=zk, number=number: [offer(zk, b"%d.%d" % (number, index)) for index in range(10)]) for number, zk in enumerate(nodes)]
        for number, future in enumerate(asking):
            equal(future.result(60), [b"done %d.%d" % (number, index) for index in range(10)], "answers")
        serving.result(60)
        equal(fresh(overseer).get_children(root + "/queue-work"), [], "nothing is left")


@test()
def solr_overseer_election():
    with clients() as (root, zk):
        zk.create(root + "/election")
        nodes, watching = [connect() for _ in range(3)], Record()
        seats = [node.create("%s/election/%d-node_n_" % (root, node.client_id[0]), sequence=True, ephemeral=True) for node in nodes]
        equal([seat[-10:] for seat in seats], ["%010d" % number for number in range(3)], "seats in line")
        nodes[0].create(root + "/leader", b"node0", ephemeral=True)
        for index in (1, 2):
            nodes[index].exists(seats[index - 1], watch=lambda event, index=index: watching.append((index, event.type)))
        close(nodes[0])
        equal(watching.wait_len(1), [(1, "DELETED")], "only the next in line hears of it")
        equal(fresh(zk).exists(root + "/leader"), None, "the leader node went with its session")
        nodes[1].create(root + "/leader", b"node1", ephemeral=True)
        close(nodes[1])
        equal(watching.wait_len(2), [(1, "DELETED"), (2, "DELETED")], "and then the one after")
        close(nodes[2])


@test()
def solr_cluster_state_by_compare_and_set():
    with clients(4) as (root, *many):
        many[0].create(root + "/state.json", b"0")

        def add(zk):
            fresh(zk)
            for _ in range(10):
                while True:
                    data, stat = zk.get(root + "/state.json")
                    try:
                        zk.set(root + "/state.json", b"%d" % (int(data) + 1), version=stat.version)
                        break
                    except BadVersionError:
                        continue

        for future in [spawn(add, zk) for zk in many]:
            future.result(60)
        data, stat = fresh(many[0]).get(root + "/state.json")
        equal((data, stat.version), (b"40", 40), "no update is lost, none counts twice")


@test()
def clickhouse_replicated_log():
    with clients(2) as (root, one, two):
        for path in ("/log", "/blocks", "/block_numbers/all", "/temp", "/replicas/r1/parts", "/replicas/r1/queue", "/replicas/r2/queue"):
            one.create(root + path, b"", makepath=True)
        one.create(root + "/replicas/r1/is_active", ephemeral=True)

        def insert(zk, block):
            """Allocates a block number, then commits part, log entry and checksum at once; None for a duplicate."""
            holder = zk.create(root + "/temp/abandonable_lock-", b"%s/block_numbers" % root.encode(), sequence=True, ephemeral=True)
            allocate = zk.transaction()
            allocate.create(root + "/blocks/" + block, b"")
            allocate.delete(root + "/blocks/" + block)
            allocate.create(root + "/block_numbers/all/block-", holder.encode(), sequence=True, ephemeral=True)
            allocated = allocate.commit()
            if isinstance(allocated[0], NodeExistsError):
                zk.delete(holder)
                return None
            number = allocated[2]
            commit = zk.transaction()
            commit.create(root + "/blocks/" + block, number[-10:].encode())
            commit.create(root + "/log/log-", block.encode(), sequence=True)
            commit.delete(number)
            commit.delete(holder)
            commit.check(root + "/replicas/r1/is_active", version=0)
            commit.create("%s/replicas/r1/parts/all_%d" % (root, int(number[-10:])), b"columns")
            results = commit.commit()
            assert not any(isinstance(result, Exception) for result in results), results
            return int(number[-10:])

        equal([insert(one, "a"), insert(two, "b"), insert(one, "a"), insert(two, "c")], [0, 1, None, 2], "block numbers")
        log = sorted(fresh(one).get_children(root + "/log"))
        equal([name[-10:] for name in log], ["%010d" % number for number in range(3)], "log entries")
        transaction = fresh(two).transaction()
        for name in log:
            transaction.create(root + "/replicas/r2/queue/queue-", two.get("%s/log/%s" % (root, name))[0], sequence=True)
        transaction.create(root + "/replicas/r2/log_pointer", b"3")
        assert not any(isinstance(result, Exception) for result in transaction.commit())
        equal(len(fresh(one).get_children(root + "/replicas/r2/queue")), 3, "the other replica's queue")
        equal(one.get_children(root + "/temp") + one.get_children(root + "/block_numbers/all"), [], "no lock is left")


@test()
def bookkeeper_ledgers():
    with clients(2) as (root, one, two):
        for path in ("/ledgers/idgen", "/ledgers/available"):
            one.create(root + path, makepath=True)
        one.create(root + "/ledgers/available/10.0.0.1:3181", ephemeral=True)
        pending = [zk.create_async(root + "/ledgers/idgen/ID-", sequence=True, ephemeral=True) for _ in range(50) for zk in (one, two)]
        made = [result.get(30) for result in pending]
        numbers = sorted(int(path[-10:]) for path in made)
        equal(numbers, list(range(100)), "ledger ids, each once and without a gap")
        for path in made:
            one.delete_async(path)
        ledger = root + "/ledgers/00/0000/L%04d" % numbers[-1]
        one.create(ledger, b"OPEN", makepath=True)
        _, stat = fresh(two).get(ledger)
        equal(two.set(ledger, b"IN_RECOVERY", version=stat.version).version, 1, "recovery takes over")
        raises(BadVersionError, one.set, ledger, b"CLOSED", version=stat.version)
        raises(NoNodeError, one.delete, ledger + "0")
        equal(fresh(one).get(ledger)[0], b"IN_RECOVERY", "the old writer is fenced")
