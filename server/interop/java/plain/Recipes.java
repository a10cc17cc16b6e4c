package plain;

import static interop.Check.await;
import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.recipes.leader.LeaderElectionSupport;
import org.apache.zookeeper.recipes.leader.LeaderElectionSupport.EventType;
import org.apache.zookeeper.recipes.lock.LockListener;
import org.apache.zookeeper.recipes.lock.WriteLock;
import org.apache.zookeeper.recipes.queue.DistributedQueue;

/** The recipes that ZooKeeper itself ships. */
final class Recipes {
    private Recipes() {}

    static void register(Suite suite) {
        suite.test("recipe_write_lock", Recipes::writeLock);
        suite.test("recipe_leader_election", Recipes::leaderElection);
        suite.test("recipe_distributed_queue", Recipes::distributedQueue);
    }

    private static void writeLock(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        List<WriteLock> locks = new ArrayList<>();
        AtomicInteger holders = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 3; i++) {
            int number = i;
            locks.add(new WriteLock(Client.connect(scope).zk, scope.root + "/lock", null, new LockListener() {
                @Override
                public void lockAcquired() {
                    most.accumulateAndGet(holders.incrementAndGet(), Math::max);
                    order.add(number);
                }

                @Override
                public void lockReleased() {
                    // Called after the node has gone, when the next one may already hold the lock: too late to count.
                }
            }));
        }
        for (WriteLock lock : locks) {
            lock.lock();
        }
        for (int i = 0; i < 3; i++) {
            int turn = i;
            eventually(() -> order.size() == turn + 1, "holder " + turn);
            that(locks.get(i).isOwner(), "the holder owns the lock");
            holders.decrementAndGet();
            locks.get(i).unlock();
        }
        equal(order, List.of(0, 1, 2), "order of the holders");
        equal(most.get(), 1, "holders at a time");
    }

    private static void leaderElection(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        List<Client> clients = new ArrayList<>();
        List<LeaderElectionSupport> elections = new ArrayList<>();
        List<Integer> leaders = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 3; i++) {
            int number = i;
            Client c = Client.connect(scope);
            LeaderElectionSupport election = new LeaderElectionSupport();
            election.setZooKeeper(c.zk);
            election.setRootNodeName(scope.root);
            election.setHostName("host" + i);
            election.addListener(event -> {
                if (event == EventType.ELECTED_COMPLETE) {
                    leaders.add(number);
                }
            });
            election.start();
            clients.add(c);
            elections.add(election);
        }
        eventually(() -> leaders.equals(List.of(0)), "the first leads");
        equal(elections.get(2).getLeaderHostName(), "host0", "leader");
        clients.get(0).close();
        eventually(() -> leaders.equals(List.of(0, 1)), "the second leads when the first is gone");
        elections.get(1).stop();
        eventually(() -> leaders.equals(List.of(0, 1, 2)), "the third leads when the second stops");
    }

    private static void distributedQueue(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        DistributedQueue in = new DistributedQueue(Client.connect(scope).zk, scope.root + "/queue", Ids.OPEN_ACL_UNSAFE);
        Client consumer = Client.connect(scope);
        DistributedQueue out = new DistributedQueue(consumer.zk, scope.root + "/queue", Ids.OPEN_ACL_UNSAFE);
        for (int i = 0; i < 50; i++) {
            in.offer(Integer.toString(i).getBytes());
        }
        consumer.fresh();
        equal(new String(out.element()), "0", "head");
        for (int i = 0; i < 50; i++) {
            equal(new String(out.remove()), Integer.toString(i), "entry");
        }
        Check.raises(NoSuchElementException.class, out::element);
        CompletableFuture<byte[]> waiting = Check.spawn(out::take);
        in.offer("late".getBytes());
        equal(new String(await(waiting)), "late", "entry of a waiting consumer");
    }
}
