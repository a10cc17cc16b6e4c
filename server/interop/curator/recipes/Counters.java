package recipes;

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
import java.util.concurrent.CompletableFuture;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

/** Shared counts and values, atomic numbers. */
final class Counters {
    private Counters() {}

    static void register(Suite suite) {
        suite.test("shared_count", Counters::sharedCount);
        suite.test("shared_value", Counters::sharedValue);
        suite.test("atomic_long", Counters::atomicLong);
        suite.test("atomic_integer_and_cached_long", Counters::others);
    }

    private static void sharedCount(Scope scope) throws Exception {
        SharedCount one = scope.own(new SharedCount(Curator.withRoot(scope), scope.root + "/count", 10));
        SharedCount two = scope.own(new SharedCount(Curator.connect(scope), scope.root + "/count", 99));
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        two.addListener(new SharedCountListener() {
            @Override
            public void countHasChanged(SharedCountReader count, int value) {
                seen.add(value);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {
                // Not what this test is about.
            }
        });
        one.start();
        two.start();
        equal(two.getCount(), 10, "the first seed counts");
        one.setCount(11);
        eventually(() -> seen.contains(11) && two.getCount() == 11, "the other sees the change");
        VersionedValue<Integer> before = two.getVersionedValue();
        that(two.trySetCount(before, 12), "a change from the newest version");
        that(!one.trySetCount(before, 13), "a change from an old version");
        eventually(() -> one.getCount() == 12, "the first sees it too");
    }

    private static void sharedValue(Scope scope) throws Exception {
        SharedValue one = scope.own(new SharedValue(Curator.withRoot(scope), scope.root + "/value", "seed".getBytes()));
        SharedValue two = scope.own(new SharedValue(Curator.connect(scope), scope.root + "/value", "other".getBytes()));
        one.start();
        two.start();
        equal(new String(two.getValue()), "seed", "value");
        two.setValue("next".getBytes());
        eventually(() -> new String(one.getValue()).equals("next"), "the other sees the change");
    }

    private static void atomicLong(Scope scope) throws Exception {
        Curator.withRoot(scope);
        List<CompletableFuture<Integer>> workers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            DistributedAtomicLong number = new DistributedAtomicLong(Curator.connect(scope), scope.root + "/long", new RetryNTimes(1000, 2));
            workers.add(Check.spawn(() -> {
                for (int n = 0; n < 25; n++) {
                    that(number.increment().succeeded(), "an increment");
                }
                return 25;
            }));
        }
        for (CompletableFuture<Integer> worker : workers) {
            await(worker);
        }
        DistributedAtomicLong number = new DistributedAtomicLong(Curator.connect(scope), scope.root + "/long", new RetryNTimes(10, 10));
        equal(number.get().postValue(), 100L, "sum");
        AtomicValue<Long> refused = number.compareAndSet(99L, 1L);
        that(!refused.succeeded(), "a change from a wrong value");
        AtomicValue<Long> done = number.compareAndSet(100L, -5L);
        equal(List.of(done.succeeded(), done.preValue(), done.postValue()), List.of(true, 100L, -5L), "a change from the right value");
        that(!number.initialize(7L), "it is initialised already");
    }

    private static void others(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        DistributedAtomicInteger number = new DistributedAtomicInteger(c, scope.root + "/int", new RetryNTimes(10, 10));
        equal(List.of(number.add(40).postValue(), number.subtract(-2).postValue()), List.of(40, 42), "values");
        CachedAtomicLong cached = new CachedAtomicLong(new DistributedAtomicLong(c, scope.root + "/cached", new RetryNTimes(10, 10)), 10);
        long last = 0;
        for (int i = 0; i < 25; i++) {
            long next = cached.next().postValue();
            that(next > last, "numbers grow");
            last = next;
        }
    }
}
