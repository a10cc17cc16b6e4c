"""What HBase and Kafka do with ZooKeeper to decide who is in charge and who is alive."""

import json

from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError, RolledBackError

import harness
from clients import Record, clients, close, connect, fresh
from harness import equal, eventually, raises, test
from proxy import Proxy


def elect_controller(zk, root, broker):
    """Kafka: becomes controller and raises the epoch in one transaction; returns (epoch, zk version) or None."""
    try:
        data, stat = fresh(zk).get(root + "/controller_epoch")
    except NoNodeError:
        zk.create(root + "/controller_epoch", b"0")
        data, stat = zk.get(root + "/controller_epoch")
    epoch = int(data) + 1
    transaction = zk.transaction()
    transaction.create(root + "/controller", json.dumps({"version": 1, "brokerid": broker}).encode(), ephemeral=True)
    transaction.set_data(root + "/controller_epoch", b"%d" % epoch, version=stat.version)
    results = transaction.commit()
    if isinstance(results[0], NodeExistsError):
        return None
    assert not isinstance(results[1], Exception), results
    return epoch, results[1].version


@test()
def kafka_controller_election():
    with clients(3) as (root, one, two, observer):
        seen = Record()
        equal(observer.exists(root + "/controller", watch=seen.watcher), None, "no controller yet")
        equal(elect_controller(one, root, 1), (1, 1), "first election")
        seen.wait_len(1)
        equal(elect_controller(two, root, 2), None, "a controller is there already")
        equal(int(observer.get(root + "/controller_epoch")[0]), 1, "a lost election leaves the epoch alone")
        observer.get(root + "/controller", watch=seen.watcher)
        close(one)
        equal(seen.wait_len(2), [("CREATED", root + "/controller"), ("DELETED", root + "/controller")], "events")
        equal(elect_controller(two, root, 2), (2, 2), "second election")
        equal(json.loads(fresh(observer).get(root + "/controller")[0])["brokerid"], 2, "controller")


@test()
def kafka_fences_an_old_controller():
    with clients(2) as (root, old, new):
        topics = root + "/brokers/topics/t/partitions"
        old.create(topics, makepath=True)
        _, version = elect_controller(old, root, 1)

        def set_states(zk, epoch_version, create):
            """One pipelined transaction a partition, each of which checks the controller's epoch first."""
            pending = []
            for partition in range(50):
                path = "%s/%d" % (topics, partition)
                transaction = zk.transaction()
                transaction.check(root + "/controller_epoch", version=epoch_version)
                if create:
                    transaction.create(path, b'{"leader":1}')
                else:
                    transaction.set_data(path, b'{"leader":2}')
                pending.append(transaction.commit_async())
            return [result.get(30) for result in pending]

        assert all(result[0] is True for result in set_states(old, version, True))
        old.delete(root + "/controller")
        _, newer = elect_controller(new, root, 2)
        for result in set_states(old, version, False):
            equal(type(result[0]), BadVersionError, "the old controller's write")
        equal(fresh(new).get(topics + "/0")[0], b'{"leader":1}', "nothing was written")
        assert all(result[0] is True for result in set_states(new, newer, False))
        equal(new.get(topics + "/49")[0], b'{"leader":2}', "the new controller's write")


@test()
def kafka_broker_registration():
    with clients(2) as (root, controller, broker):
        ids = root + "/brokers/ids"
        controller.create(ids, makepath=True)
        seen = Record()

        @controller.ChildrenWatch(ids)
        def changed(children):
            seen.append(sorted(children))

        def register(zk, broker_id):
            """Returns the broker's epoch, which is the czxid of its node."""
            transaction = zk.transaction()
            transaction.create("%s/%d" % (ids, broker_id), b'{"host":"localhost"}', ephemeral=True)
            result = transaction.commit()[0]
            if isinstance(result, NodeExistsError):
                stat = fresh(zk).exists("%s/%d" % (ids, broker_id))
                if stat.ephemeralOwner != zk.client_id[0]:
                    raise result
            return zk.exists("%s/%d" % (ids, broker_id)).czxid

        other = connect()
        epochs = [register(broker, 1), register(other, 2)]
        assert epochs[1] > epochs[0], "epochs grow"
        equal(register(broker, 1), epochs[0], "registering again in the same session")
        raises(NodeExistsError, register, broker, 2)
        eventually(lambda: seen and seen[-1] == ["1", "2"], "both brokers are seen")
        close(other)
        eventually(lambda: seen[-1] == ["1"], "one broker is gone")
        assert register(broker, 2) > epochs[1], "a new epoch for the same id"


@test()
def kafka_config_change_notification():
    with clients(2) as (root, admin, broker):
        for path in ("/config/topics/t", "/config/changes"):
            admin.create(root + path, b"{}", makepath=True)
        fresh(broker)
        applied, last = Record(), [-1]

        @broker.ChildrenWatch(root + "/config/changes")
        def changed(children):
            for child in sorted(children):
                number = int(child[-10:])
                if number > last[0]:
                    last[0] = number
                    applied.append(json.loads(broker.get("%s/config/changes/%s" % (root, child))[0])["entity_path"])

        for number in range(5):
            admin.set(root + "/config/topics/t", json.dumps({"retention": number}).encode())
            note = json.dumps({"version": 2, "entity_path": "topics/t%d" % number}).encode()
            made = admin.create(root + "/config/changes/config_change_", note, sequence=True)
            equal(made[-10:], "%010d" % number, "sequence number")
        equal(applied.wait_len(5), ["topics/t%d" % number for number in range(5)], "notifications, each once and in order")
        for child in admin.get_children(root + "/config/changes"):
            admin.delete(root + "/config/changes/" + child)
        made = admin.create(root + "/config/changes/config_change_", b'{"entity_path":"last"}', sequence=True)
        equal(made[-10:], "0000000005", "the number goes on after the purge")
        equal(applied.wait_len(6)[-1], "last", "notification after the purge")


@test()
def hbase_master_and_region_servers():
    with clients(2) as (root, active, backup), Proxy(harness.MEMBER) as proxy:
        for path in ("/rs", "/backup-masters"):
            active.create(root + path)
        active.create(root + "/master", b"active,16000,1", ephemeral=True)
        raises(NodeExistsError, backup.create, root + "/master", b"backup,16000,2", ephemeral=True)
        backup.create(root + "/backup-masters/backup,16000,2", ephemeral=True)
        master_gone, servers = Record(), Record()
        fresh(backup).exists(root + "/master", watch=master_gone.watcher)

        @backup.ChildrenWatch(root + "/rs")
        def changed(children):
            servers.append(sorted(children))

        server = connect(proxy.address, timeout=1)
        server.create(root + "/rs/rs1,16020,1", b"\x00info", ephemeral=True)
        active.create(root + "/rs/rs2,16020,1", ephemeral=True)
        eventually(lambda: servers[-1] == ["rs1,16020,1", "rs2,16020,1"], "both region servers")
        proxy.refuse()
        eventually(lambda: servers[-1] == ["rs2,16020,1"], "one region server is dead")
        close(server)
        active.delete(root + "/master")
        master_gone.wait_len(1)
        backup.create(root + "/master", b"backup,16000,2", ephemeral=True)
        backup.delete(root + "/backup-masters/backup,16000,2")
        equal(fresh(active).get(root + "/master")[0], b"backup,16000,2", "the new master")


@test()
def hbase_moves_a_replication_queue():
    with clients(2) as (root, one, two):
        dead, heirs = root + "/replication/dead/1", ["%s/replication/%s/1-dead" % (root, name) for name in ("one", "two")]
        one.create(dead, makepath=True)
        for number in range(20):
            one.create("%s/wal.%d" % (dead, number), b"%d" % number)
        for name in ("one", "two"):
            one.create(root + "/replication/" + name)

        def move(zk, heir):
            """Copies the queue and deletes the original, all or nothing, as two survivors may try at once."""
            transaction = zk.transaction()
            transaction.create(heir)
            for wal in sorted(fresh(zk).get_children(dead)):
                transaction.create("%s/%s" % (heir, wal), zk.get("%s/%s" % (dead, wal))[0])
                transaction.delete("%s/%s" % (dead, wal))
            transaction.delete(dead)
            return transaction

        attempts = [move(one, heirs[0]), move(two, heirs[1])]
        results = [attempt.commit_async() for attempt in attempts]
        won = [not any(isinstance(part, Exception) for part in result.get(30)) for result in results]
        equal(sorted(won), [False, True], "exactly one survivor has it")
        equal(fresh(one).exists(dead), None, "the original")
        equal(len(one.get_children(heirs[won.index(True)])), 20, "logs at the winner")
        equal(one.exists(heirs[won.index(False)]), None, "and nothing at the loser")
        failed = results[won.index(False)].get()
        equal(type(failed[0]), RolledBackError, "first result of the loser")
