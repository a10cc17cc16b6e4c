package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** What Curator's recipes promise while leaders are killed. */
@SuppressWarnings("deprecation")
final class ChaosTests {
    private ChaosTests() {}

    static void register(Suite suite) {
        Chaos.test(suite, "chaos_mutex", 4, chaos -> excludes(chaos, client -> new InterProcessMutex(client, chaos.root + "/lock")));
        Chaos.test(suite, "chaos_semaphore_mutex", 4, chaos -> excludes(chaos, client -> new InterProcessSemaphoreMutex(client, chaos.root + "/lock")));
        Chaos.test(suite, "chaos_write_lock", 4, chaos -> excludes(chaos, client -> new InterProcessReadWriteLock(client, chaos.root + "/lock").writeLock()));
        Chaos.test(suite, "chaos_semaphore", 4, ChaosTests::semaphore);
        Chaos.test(suite, "chaos_atomic_long", 4, ChaosTests::atomicLong);
        Chaos.test(suite, "chaos_leader_latch", 4, ChaosTests::latch);
        Chaos.test(suite, "chaos_leader_selector", 4, ChaosTests::selector);
        Chaos.test(suite, "chaos_queue_with_lock", 3, ChaosTests::queue);
        Chaos.test(suite, "chaos_barrier", 4, ChaosTests::barrier);
        Chaos.test(suite, "chaos_caches", 2, ChaosTests::caches);
        Chaos.test(suite, "chaos_persistent_node", 2, ChaosTests::persistentNode);
    }

    private interface MakeLock {
        InterProcessLock of(CuratorFramework client);
    }

    /** One holder at a time, by the count of this process and by a number in the tree that only holders raise. */
    private static void excludes(Chaos chaos, MakeLock make) throws Exception {
        Chaos.Room room = new Chaos.Room(1);
        chaos.make("/number", "0");
        List<InterProcessLock> locks = chaos.clients.stream().map(make::of).toList();
        chaos.work((number, client) -> {
            locks.get(number).acquire();
            try {
                room.visit(number, () -> {
                    chaos.addOne(client, "/number");
                    return null;
                });
            } finally {
                locks.get(number).release();
            }
        });
        equal(chaos.read("/number"), Integer.toString(room.turns.get()), "increments under the lock");
        equal(room.guests.size(), 4, "who has held it");
    }

    private static void semaphore(Chaos chaos) throws Exception {
        Chaos.Room room = new Chaos.Room(2);
        chaos.work((number, client) -> {
            InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, chaos.root + "/semaphore", 2);
            Lease lease = semaphore.acquire();
            try {
                room.visit(number, () -> Curator.fresh(client));
            } finally {
                semaphore.returnLease(lease);
            }
        });
        equal(room.guests.size(), 4, "who has had a lease");
    }

    private static void atomicLong(Chaos chaos) throws Exception {
        AtomicInteger done = new AtomicInteger();
        chaos.work((number, client) -> {
            DistributedAtomicLong value = new DistributedAtomicLong(client, chaos.root + "/long", new RetryNTimes(1000, 2));
            AtomicValue<Long> result = value.increment();
            if (result.succeeded()) {
                done.incrementAndGet();
            }
        });
        DistributedAtomicLong value = new DistributedAtomicLong(Curator.fresh(chaos.clients.get(0)), chaos.root + "/long", new RetryNTimes(10, 10));
        long sum = value.get().postValue();
        // Curator repeats an increment whose answer got lost, so each break may count one twice; none may be missing.
        that(done.get() <= sum && sum <= done.get() + chaos.breaks(), done + " increments, sum " + sum + ", " + chaos.breaks() + " breaks");
    }

    private static void latch(Chaos chaos) throws Exception {
        AtomicInteger leading = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<LeaderLatch> latches = new ArrayList<>();
        for (CuratorFramework client : chaos.clients) {
            LeaderLatch latch = new LeaderLatch(client, chaos.root + "/latch");
            latch.addListener(new LeaderLatchListener() {
                @Override
                public void isLeader() {
                    most.accumulateAndGet(leading.incrementAndGet(), Math::max);
                }

                @Override
                public void notLeader() {
                    leading.decrementAndGet();
                }
            });
            latches.add(chaos.scope.own(latch));
            latch.start();
        }
        while (chaos.goesOn()) {
            that(latches.stream().filter(LeaderLatch::hasLeadership).count() <= 1, "two lead");
            TimeUnit.MILLISECONDS.sleep(10);
        }
        equal(most.get(), 1, "leaders at a time");
        eventually(() -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1, "one leads in the end");
    }

    private static void selector(Chaos chaos) throws Exception {
        Chaos.Room room = new Chaos.Room(1);
        AtomicBoolean two = new AtomicBoolean();
        List<LeaderSelector> selectors = new ArrayList<>();
        for (int i = 0; i < chaos.clients.size(); i++) {
            int number = i;
            LeaderSelector selector = new LeaderSelector(chaos.clients.get(i), chaos.root + "/selector", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) throws Exception {
                    try {
                        room.visit(number, () -> Curator.fresh(client));
                    } catch (AssertionError notAlone) {
                        two.set(true);
                    }
                }
            });
            selector.autoRequeue();
            selector.start();
            selectors.add(chaos.scope.own(selector));
        }
        while (chaos.goesOn()) {
            TimeUnit.MILLISECONDS.sleep(100);
        }
        int turns = room.turns.get();
        eventually(() -> room.turns.get() > turns, "leaders follow each other in the end");
        that(!two.get(), "two led at a time");
        equal(room.guests.size(), 4, "who has led");
    }

    /**
     * No entry is lost. It may stay in the queue: a consumer that doesn't hear that its lock on an entry was made takes it for
     * that of another, as long as its session lives. Whether one comes twice, Curator leaves open.
     */
    private static void queue(Chaos chaos) throws Exception {
        Set<String> got = ConcurrentHashMap.newKeySet();
        List<DistributedQueue<String>> queues = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            QueueBuilder<String> builder = QueueBuilder.builder(chaos.clients.get(i), i == 0 ? null : Queues.into(got), Queues.TEXT, chaos.root + "/queue");
            DistributedQueue<String> queue = chaos.scope.own(builder.lockPath(chaos.root + "/locks").buildQueue());
            queue.start();
            queues.add(queue);
        }
        Set<String> put = new HashSet<>();
        for (int number = 0; chaos.goesOn(); number++) {
            queues.get(0).put("m" + number);
            put.add("m" + number);
            while (chaos.goesOn() && put.size() - got.size() > 100) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
        }
        that(queues.get(0).flushPuts(interop.Check.WAIT_SECONDS, TimeUnit.SECONDS), "all are stored");
        CuratorFramework client = chaos.clients.get(0);
        eventually(() -> {
            Set<String> missing = new HashSet<>(put);
            missing.removeAll(got);
            StringBuilder there = new StringBuilder();
            for (String name : Curator.fresh(client).getChildren().forPath(chaos.root + "/queue")) {
                try {
                    there.append(new String(client.getData().forPath(chaos.root + "/queue/" + name))).append(' ');
                } catch (KeeperException.NoNodeException consumed) {
                    // It comes out just now.
                }
            }
            return missing.size() <= chaos.breaks() && missing.stream().allMatch(there.toString()::contains);
        }, "every entry comes out, or is there still");
    }

    /** Who is let through has seen the barrier go. */
    private static void barrier(Chaos chaos) throws Exception {
        String path = chaos.root + "/barrier";
        List<DistributedBarrier> barriers = chaos.clients.stream().map(client -> new DistributedBarrier(client, path)).toList();
        AtomicInteger open = new AtomicInteger();
        AtomicInteger round = new AtomicInteger();
        while (chaos.goesOn()) {
            int number = round.incrementAndGet();
            barriers.get(0).setBarrier();
            List<java.util.concurrent.CompletableFuture<Boolean>> waiting = new ArrayList<>();
            for (int i = 1; i < barriers.size(); i++) {
                DistributedBarrier mine = barriers.get(i);
                Curator.fresh(chaos.clients.get(i));
                waiting.add(interop.Check.spawn(() -> {
                    mine.waitOnBarrier();
                    return open.get() == number;
                }));
            }
            Curator.fresh(chaos.clients.get(0));
            that(waiting.stream().noneMatch(java.util.concurrent.CompletableFuture::isDone), "somebody came through a closed barrier");
            open.set(number);
            barriers.get(0).removeBarrier();
            for (java.util.concurrent.CompletableFuture<Boolean> one : waiting) {
                that(interop.Check.await(one), "somebody came through before the barrier was open");
            }
        }
    }

    private static void caches(Chaos chaos) throws Exception {
        CuratorFramework writer = chaos.clients.get(0);
        chaos.make("/tree", "");
        CuratorCache cache = chaos.scope.own(CuratorCache.build(Curator.fresh(chaos.clients.get(1)), chaos.root + "/tree"));
        TreeCache tree = chaos.scope.own(new TreeCache(chaos.clients.get(1), chaos.root + "/tree"));
        cache.start();
        tree.start();
        int count = 0;
        while (chaos.goesOn()) {
            count++;
            chaos.make("/tree/n" + count, "made");
            writer.setData().forPath(chaos.root + "/tree/n" + count, Integer.toString(count).getBytes());
            writer.setData().forPath(chaos.root + "/tree", Integer.toString(count).getBytes());
            if (count > 5) {
                writer.delete().quietly().forPath(chaos.root + "/tree/n" + (count - 5));
            }
        }
        List<String> want = new ArrayList<>();
        for (int i = Math.max(1, count - 4); i <= count; i++) {
            want.add("n" + i + "=" + i);
        }
        want.add("tree=" + count);
        Collections.sort(want);
        eventually(() -> cache.stream().map(data -> describe(data.getPath(), data.getData())).sorted().toList().equals(want), "CuratorCache knows the end: " + want);
        eventually(() -> {
            List<String> there = new ArrayList<>(List.of(describe(chaos.root + "/tree", tree.getCurrentData(chaos.root + "/tree").getData())));
            tree.getCurrentChildren(chaos.root + "/tree").values().forEach(data -> there.add(describe(data.getPath(), data.getData())));
            Collections.sort(there);
            return there.equals(want);
        }, "TreeCache knows the end: " + want);
    }

    private static String describe(String path, byte[] data) {
        return path.substring(path.lastIndexOf('/') + 1) + "=" + new String(data);
    }

    /** The node stays the same all the time, since its session does. */
    private static void persistentNode(Chaos chaos) throws Exception {
        String path = chaos.root + "/n";
        PersistentNode node = chaos.scope.own(new PersistentNode(chaos.clients.get(0), CreateMode.EPHEMERAL, false, path, "v".getBytes()));
        node.start();
        that(node.waitForInitialCreate(interop.Check.WAIT_SECONDS, TimeUnit.SECONDS), "the node is made");
        long made = Curator.fresh(chaos.clients.get(1)).checkExists().forPath(path).getCzxid();
        while (chaos.goesOn()) {
            equal(Curator.fresh(chaos.clients.get(1)).checkExists().forPath(path).getCzxid(), made, "czxid");
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }
}
