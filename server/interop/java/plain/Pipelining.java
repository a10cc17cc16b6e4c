package plain;

import static interop.Check.await;
import static interop.Check.equal;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.Stat;

/** Many requests on one connection, and many connections on one node: order, and no lost update. */
final class Pipelining {
    private Pipelining() {}

    static void register(Suite suite) {
        suite.test("pipeline_answers_in_order", Pipelining::answersInOrder);
        suite.test("pipeline_reads_its_own_writes", Pipelining::readsItsOwnWrites);
        suite.test("pipeline_event_before_answer", Pipelining::eventBeforeAnswer);
        suite.test("pipeline_zxids_never_fall", Pipelining::zxidsNeverFall);
        suite.test("compare_and_set_race", Pipelining::compareAndSetRace);
        suite.test("sequence_race", Pipelining::sequenceRace);
        suite.test("create_race", Pipelining::createRace);
        suite.test("sync_then_read", Pipelining::syncThenRead);
    }

    private static void answersInOrder(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<Integer> answered = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Void> all = new CompletableFuture<>();
        int count = 4000;
        for (int i = 0; i < count; i++) {
            int number = i;
            Runnable done = () -> {
                answered.add(number);
                if (number == count - 1) {
                    all.complete(null);
                }
            };
            switch (i % 6) {
                case 0 -> c.zk.create(scope.root + "/n" + i, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (rc, path, context, name) -> done.run(), null);
                case 1 -> c.zk.exists(scope.root + "/n" + (i - 1), false, (rc, path, context, stat) -> done.run(), null);
                case 2 -> c.zk.setData(scope.root + "/n" + (i - 2), new byte[10], 0, (rc, path, context, stat) -> done.run(), null);
                case 3 -> c.zk.getChildren(scope.root + "/n" + (i - 3), false, (rc, path, context, list) -> done.run(), null);
                case 4 -> c.zk.sync(scope.root, (rc, path, context) -> done.run(), null);
                default -> c.zk.delete(scope.root + "/n" + (i - 5), 1, (rc, path, context) -> done.run(), null);
            }
        }
        await(all);
        for (int i = 0; i < count; i++) {
            equal(answered.get(i), i, "answer");
        }
        // The last round of six was not finished, so its node is left.
        that(c.zk.exists(scope.root, false).getNumChildren() <= 1, "each node was deleted by its own round");
    }

    private static void readsItsOwnWrites(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<CompletableFuture<String>> reads = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            c.zk.setData(scope.root, Integer.toString(i).getBytes(), -1, (rc, path, context, stat) -> {}, null);
            CompletableFuture<String> read = new CompletableFuture<>();
            c.zk.getData(scope.root, false, (rc, path, context, data, stat) -> read.complete(new String(data)), null);
            reads.add(read);
        }
        for (int i = 0; i < reads.size(); i++) {
            equal(await(reads.get(i)), Integer.toString(i), "read behind write " + i);
        }
    }

    /** The client hears of a change before it can see it, and the writer before its own write is answered. */
    private static void eventBeforeAnswer(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client writer = Client.connect(scope);
        for (int i = 0; i < 100; i++) {
            List<String> order = Collections.synchronizedList(new ArrayList<>());
            CompletableFuture<Void> answered = new CompletableFuture<>();
            boolean own = i % 2 == 0;
            c.zk.getData(scope.root, event -> order.add("event"), null);
            byte[] data = Integer.toString(i).getBytes();
            if (own) {
                c.zk.setData(scope.root, data, -1, (rc, path, context, stat) -> {
                    order.add("answer");
                    answered.complete(null);
                }, null);
            } else {
                writer.zk.setData(scope.root, data, -1);
                c.zk.sync("/", (rc, path, context) -> {}, null);
                c.zk.getData(scope.root, false, (rc, path, context, got, stat) -> {
                    order.add("answer");
                    answered.complete(null);
                }, null);
            }
            await(answered);
            equal(order, List.of("event", "answer"), own ? "own write" : "write of another");
        }
    }

    private static void zxidsNeverFall(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client writer = Client.connect(scope);
        AtomicLong newest = new AtomicLong();
        CompletableFuture<String> done = new CompletableFuture<>();
        for (int i = 0; i < 500; i++) {
            writer.zk.setData(scope.root, null, -1, (rc, path, context, stat) -> {}, null);
            boolean last = i == 499;
            c.zk.exists(scope.root, false, (rc, path, context, stat) -> {
                long seen = newest.getAndSet(stat.getMzxid());
                if (stat.getMzxid() < seen) {
                    done.complete("mzxid fell from " + seen + " to " + stat.getMzxid());
                } else if (last) {
                    done.complete("");
                }
            }, null);
        }
        equal(await(done), "", "what went wrong");
    }

    private static void compareAndSetRace(Scope scope) throws Exception {
        Client first = Client.connect(scope).withRoot(scope);
        first.set(scope.root, "0");
        List<CompletableFuture<Integer>> workers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Client c = Client.connect(scope);
            workers.add(Check.spawn(() -> {
                int refused = 0;
                for (int done = 0; done < 50; ) {
                    Stat stat = new Stat();
                    int value = Integer.parseInt(new String(c.zk.getData(scope.root, false, stat)));
                    try {
                        c.zk.setData(scope.root, Integer.toString(value + 1).getBytes(), stat.getVersion());
                        done++;
                    } catch (org.apache.zookeeper.KeeperException.BadVersionException race) {
                        refused++;
                    }
                }
                return refused;
            }));
        }
        for (CompletableFuture<Integer> worker : workers) {
            await(worker);
        }
        equal(first.fresh().get(scope.root), "200", "sum of all increments");
        equal(first.zk.exists(scope.root, false).getVersion(), 201, "version");
    }

    private static void sequenceRace(Scope scope) throws Exception {
        Client first = Client.connect(scope).withRoot(scope);
        List<CompletableFuture<List<String>>> workers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Client c = Client.connect(scope);
            workers.add(Check.spawn(() -> {
                List<String> made = new ArrayList<>();
                for (int n = 0; n < 50; n++) {
                    made.add(c.create(scope.root + "/s-", "", CreateMode.EPHEMERAL_SEQUENTIAL));
                }
                return made;
            }));
        }
        List<String> all = new ArrayList<>();
        for (CompletableFuture<List<String>> worker : workers) {
            List<String> made = await(worker);
            List<String> sorted = new ArrayList<>(made);
            Collections.sort(sorted);
            equal(made, sorted, "the numbers of one client grow");
            all.addAll(made);
        }
        Collections.sort(all);
        for (int i = 0; i < 200; i++) {
            equal(all.get(i), String.format("%s/s-%010d", scope.root, i), "each number once, none left out");
        }
        equal(first.fresh().zk.exists(scope.root, false).getCversion(), 200, "cversion");
    }

    private static void createRace(Scope scope) throws Exception {
        Client first = Client.connect(scope).withRoot(scope);
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(Client.connect(scope));
        }
        for (int round = 0; round < 20; round++) {
            String path = scope.root + "/round" + round;
            List<CompletableFuture<Integer>> attempts = new ArrayList<>();
            for (Client c : clients) {
                CompletableFuture<Integer> attempt = new CompletableFuture<>();
                c.zk.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL, (rc, at, context, name) -> attempt.complete(rc == 0 ? 1 : 0), null);
                attempts.add(attempt);
            }
            int won = 0;
            for (CompletableFuture<Integer> attempt : attempts) {
                won += await(attempt);
            }
            equal(won, 1, "winners");
            that(first.fresh().exists(path), "the node");
        }
    }

    private static void syncThenRead(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client reader = Client.connect(scope);
        for (int i = 0; i < 100; i++) {
            writer.set(scope.root, Integer.toString(i));
            reader.zk.sync(scope.root, (rc, path, context) -> {}, null);
            equal(reader.get(scope.root), Integer.toString(i), "read after sync");
        }
    }
}
