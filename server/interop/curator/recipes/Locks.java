package recipes;

import static interop.Check.await;
import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Check;
import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Mutexes, read and write locks, semaphores. */
final class Locks {
    private Locks() {}

    static void register(Suite suite) {
        suite.test("mutex_excludes", scope -> excludes(scope, false));
        suite.test("semaphore_mutex_excludes", scope -> excludes(scope, true));
        suite.test("mutex_reenters_and_times_out", Locks::reenters);
        suite.test("mutex_of_a_dead_holder", Locks::deadHolder);
        suite.test("mutex_revoked", Locks::revoked);
        suite.test("read_write_lock", Locks::readWrite);
        suite.test("semaphore", Locks::semaphore);
        suite.test("semaphore_of_a_dead_holder", Locks::deadLeaseHolder);
        suite.test("multi_lock", Locks::multiLock);
    }

    private static void excludes(Scope scope, boolean semaphore) throws Exception {
        CuratorFramework first = Curator.withRoot(scope);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<CompletableFuture<Integer>> workers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            CuratorFramework c = Curator.connect(scope);
            InterProcessLock lock = semaphore ? new InterProcessSemaphoreMutex(c, scope.root + "/lock") : new InterProcessMutex(c, scope.root + "/lock");
            workers.add(Check.spawn(() -> {
                for (int turn = 0; turn < 8; turn++) {
                    lock.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                    lock.release();
                }
                return 8;
            }));
        }
        for (CompletableFuture<Integer> worker : workers) {
            equal(await(worker), 8, "turns");
        }
        equal(most.get(), 1, "holders at a time");
        String nodes = scope.root + "/lock" + (semaphore ? "/leases" : "");
        Curator.fresh(first);
        // The parent is a container, which the server may sweep away once it is empty.
        that(first.checkExists().forPath(nodes) == null || first.getChildren().forPath(nodes).isEmpty(), "nothing is left behind");
    }

    private static void reenters(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        InterProcessMutex mine = new InterProcessMutex(c, scope.root + "/lock");
        InterProcessMutex other = new InterProcessMutex(Curator.connect(scope), scope.root + "/lock");
        mine.acquire();
        mine.acquire();
        mine.release();
        that(!other.acquire(200, TimeUnit.MILLISECONDS), "held by another");
        Curator.fresh(c);
        equal(mine.getParticipantNodes().size(), 1, "who gave up has left the line");
        mine.release();
        that(other.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS), "free again");
        other.release();
    }

    private static void deadHolder(Scope scope) throws Exception {
        InterProcessMutex heir = new InterProcessMutex(Curator.withRoot(scope), scope.root + "/lock");
        Proxy proxy = scope.proxy();
        InterProcessMutex doomed = new InterProcessMutex(Curator.connect(scope, proxy.address(), 1000), scope.root + "/lock");
        doomed.acquire();
        CompletableFuture<Boolean> waiting = Check.spawn(() -> heir.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS));
        eventually(() -> heir.getParticipantNodes().size() == 2, "the heir waits");
        proxy.refuse();
        that(await(waiting), "the heir gets the lock");
    }

    private static void revoked(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        InterProcessMutex lock = new InterProcessMutex(c, scope.root + "/lock");
        CompletableFuture<Boolean> asked = new CompletableFuture<>();
        lock.makeRevocable(forLock -> asked.complete(true));
        lock.acquire();
        String node = lock.getParticipantNodes().iterator().next();
        org.apache.curator.framework.recipes.locks.Revoker.attemptRevoke(Curator.connect(scope), node);
        that(await(asked), "the holder is asked to give it up");
        lock.release();
    }

    private static void readWrite(Scope scope) throws Exception {
        InterProcessReadWriteLock one = new InterProcessReadWriteLock(Curator.withRoot(scope), scope.root + "/rw");
        InterProcessReadWriteLock two = new InterProcessReadWriteLock(Curator.connect(scope), scope.root + "/rw");
        one.readLock().acquire();
        two.readLock().acquire();
        CompletableFuture<Boolean> writer = Check.spawn(() -> {
            boolean got = two.writeLock().acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS);
            two.writeLock().release();
            return got;
        });
        eventually(() -> two.writeLock().getParticipantNodes().size() == 1, "the writer waits");
        that(!writer.isDone(), "readers keep the writer out");
        one.readLock().release();
        two.readLock().release();
        that(await(writer), "the writer gets in");
        one.writeLock().acquire();
        one.readLock().acquire();
        one.writeLock().release();
        that(two.readLock().acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS), "a writer that became a reader lets readers in");
        two.readLock().release();
        one.readLock().release();
    }

    private static void semaphore(Scope scope) throws Exception {
        InterProcessSemaphoreV2 one = new InterProcessSemaphoreV2(Curator.withRoot(scope), scope.root + "/semaphore", 3);
        InterProcessSemaphoreV2 two = new InterProcessSemaphoreV2(Curator.connect(scope), scope.root + "/semaphore", 3);
        List<Lease> leases = new ArrayList<>(one.acquire(2));
        Lease third = two.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS);
        that(third != null, "the third lease");
        equal(two.acquire(200, TimeUnit.MILLISECONDS), null, "a fourth lease");
        equal(two.getParticipantNodes().size(), 3, "leases");
        CompletableFuture<Lease> waiting = Check.spawn(() -> two.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS));
        one.returnLease(leases.remove(0));
        Lease fourth = await(waiting);
        that(fourth != null, "a lease that was given back");
        one.returnAll(leases);
        two.returnAll(List.of(third, fourth));
        equal(one.acquire(3, Check.WAIT_SECONDS, TimeUnit.SECONDS).size(), 3, "all leases at once");
    }

    private static void deadLeaseHolder(Scope scope) throws Exception {
        InterProcessSemaphoreV2 heir = new InterProcessSemaphoreV2(Curator.withRoot(scope), scope.root + "/semaphore", 1);
        CuratorFramework doomed = Curator.connect(scope);
        that(new InterProcessSemaphoreV2(doomed, scope.root + "/semaphore", 1).acquire() != null, "a lease");
        CompletableFuture<Lease> waiting = Check.spawn(() -> heir.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS));
        doomed.close();
        that(await(waiting) != null, "the heir gets the lease");
    }

    private static void multiLock(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        CuratorFramework d = Curator.connect(scope);
        InterProcessMultiLock both = new InterProcessMultiLock(c, List.of(scope.root + "/a", scope.root + "/b"));
        InterProcessMutex second = new InterProcessMutex(d, scope.root + "/b");
        second.acquire();
        that(!both.acquire(200, TimeUnit.MILLISECONDS), "one of the two is taken");
        second.release();
        that(both.acquire(Check.WAIT_SECONDS, TimeUnit.SECONDS), "both are free");
        that(!second.acquire(200, TimeUnit.MILLISECONDS), "both are taken");
        both.release();
    }
}
