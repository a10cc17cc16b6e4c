package recipes;

import static interop.Check.await;
import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** Barriers. */
final class Barriers {
    private Barriers() {}

    static void register(Suite suite) {
        suite.test("barrier", Barriers::barrier);
        suite.test("double_barrier", Barriers::doubleBarrier);
    }

    private static void barrier(Scope scope) throws Exception {
        DistributedBarrier gate = new DistributedBarrier(Curator.withRoot(scope), scope.root + "/barrier");
        gate.setBarrier();
        List<CompletableFuture<Boolean>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            DistributedBarrier mine = new DistributedBarrier(Curator.connect(scope), scope.root + "/barrier");
            that(!mine.waitOnBarrier(100, TimeUnit.MILLISECONDS), "a closed barrier");
            waiting.add(Check.spawn(() -> mine.waitOnBarrier(Check.WAIT_SECONDS, TimeUnit.SECONDS)));
        }
        gate.removeBarrier();
        for (CompletableFuture<Boolean> one : waiting) {
            that(await(one), "an open barrier");
        }
    }

    private static void doubleBarrier(Scope scope) throws Exception {
        CuratorFramework first = Curator.withRoot(scope);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger outside = new AtomicInteger();
        List<CompletableFuture<Void>> members = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(Curator.connect(scope), scope.root + "/double", 4);
            members.add(Check.spawn(() -> {
                that(barrier.enter(Check.WAIT_SECONDS, TimeUnit.SECONDS), "enter");
                inside.incrementAndGet();
                that(barrier.leave(Check.WAIT_SECONDS, TimeUnit.SECONDS), "leave");
                equal(inside.get(), 4, "who leaves has seen everyone in");
                outside.incrementAndGet();
                return null;
            }));
            if (i == 2) {
                eventually(() -> first.checkExists().forPath(scope.root + "/double") != null && first.getChildren().forPath(scope.root + "/double").size() == 3, "three wait");
                equal(inside.get(), 0, "nobody is in before the last");
            }
        }
        for (CompletableFuture<Void> member : members) {
            await(member);
        }
        equal(outside.get(), 4, "members that left");
    }
}
