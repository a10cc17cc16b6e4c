package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;

/** LeaderLatch and LeaderSelector. */
final class Leaders {
    private Leaders() {}

    static void register(Suite suite) {
        suite.test("leader_latch", Leaders::latch);
        suite.test("leader_latch_after_a_broken_connection", Leaders::latchReconnects);
        suite.test("leader_latch_after_a_lost_session", Leaders::latchLosesItsSession);
        suite.test("leader_selector", Leaders::selector);
    }

    private static LeaderLatch latch(Scope scope, CuratorFramework client, String id) throws Exception {
        LeaderLatch latch = scope.own(new LeaderLatch(client, scope.root + "/latch", id));
        latch.start();
        return latch;
    }

    private static long leaders(List<LeaderLatch> latches) {
        return latches.stream().filter(LeaderLatch::hasLeadership).count();
    }

    private static void latch(Scope scope) throws Exception {
        Curator.withRoot(scope);
        List<LeaderLatch> latches = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            latches.add(latch(scope, Curator.connect(scope), "id" + i));
        }
        while (!latches.isEmpty()) {
            eventually(() -> leaders(latches) == 1, "one leader");
            LeaderLatch leader = latches.stream().filter(LeaderLatch::hasLeadership).findFirst().get();
            eventually(() -> latches.get(latches.size() - 1).getLeader().getId().equals(leader.getId()), "the others see the leader");
            eventually(() -> leader.getParticipants().size() == latches.size(), "participants");
            leader.close();
            latches.remove(leader);
        }
    }

    private static void latchReconnects(Scope scope) throws Exception {
        Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        LeaderLatch first = latch(scope, Curator.connect(scope, proxy.address(), Curator.SESSION_MS), "first");
        eventually(first::hasLeadership, "the first leads");
        LeaderLatch second = latch(scope, Curator.connect(scope), "second");
        eventually(() -> second.getParticipants().size() == 2, "both take part");
        proxy.drop();
        eventually(() -> leaders(List.of(first, second)) == 1 && second.getParticipants().size() == 2, "one leader again");
    }

    private static void latchLosesItsSession(Scope scope) throws Exception {
        Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        LeaderLatch first = latch(scope, Curator.connect(scope, proxy.address(), 1000), "first");
        eventually(first::hasLeadership, "the first leads");
        LeaderLatch second = latch(scope, Curator.connect(scope), "second");
        proxy.refuse();
        eventually(second::hasLeadership, "the second leads");
        that(!first.hasLeadership(), "the first knows that it does not");
        proxy.allow();
        eventually(() -> second.getParticipants().size() == 2, "the first takes part again");
        that(second.hasLeadership() && !first.hasLeadership(), "the second still leads");
    }

    private static void selector(Scope scope) throws Exception {
        Curator.withRoot(scope);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger leading = new AtomicInteger();
        Semaphore step = new Semaphore(0);
        for (int i = 0; i < 3; i++) {
            String id = "id" + i;
            LeaderSelector selector = scope.own(new LeaderSelector(Curator.connect(scope), scope.root + "/selector", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) throws Exception {
                    order.add(leading.incrementAndGet() + " " + id);
                    // Who led before takes part again by now: so the order stays the same.
                    eventually(() -> client.getChildren().forPath(scope.root + "/selector").size() == 3, "three take part");
                    step.acquire();
                    leading.decrementAndGet();
                }
            }));
            selector.setId(id);
            selector.autoRequeue();
            selector.start();
            int members = i + 1;
            eventually(() -> selector.getParticipants().size() == members, "participants");
        }
        for (int turn = 0; turn < 6; turn++) {
            int expected = turn + 1;
            eventually(() -> order.size() == expected, "leader number " + expected);
            step.release();
        }
        // The seventh leader may begin at any moment from here on: what is judged is a copy.
        List<String> leaders = List.copyOf(order);
        that(leaders.stream().allMatch(one -> one.startsWith("1 ")), "one leader at a time: " + leaders);
        equal(leaders.subList(0, 3).stream().sorted().toList(), List.of("1 id0", "1 id1", "1 id2"), "everyone has a turn");
        equal(leaders.subList(3, 6), leaders.subList(0, 3), "and then again in the same order");
    }
}
