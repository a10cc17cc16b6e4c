package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Set;
import java.util.TreeSet;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;

/** Service discovery. */
final class Discovery {
    private Discovery() {}

    static void register(Suite suite) {
        suite.test("service_discovery", Discovery::discovery);
        suite.test("service_cache_and_provider", Discovery::cacheAndProvider);
    }

    private static ServiceDiscovery<String> start(Scope scope, CuratorFramework client) throws Exception {
        ServiceDiscovery<String> discovery = scope.own(ServiceDiscoveryBuilder.builder(String.class).client(client).basePath(scope.root + "/services").build());
        discovery.start();
        return discovery;
    }

    private static ServiceInstance<String> instance(int port) throws Exception {
        return ServiceInstance.<String>builder().name("greeting").address("127.0.0.1").port(port).payload("on " + port).build();
    }

    private static void discovery(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        ServiceDiscovery<String> one = start(scope, c);
        CuratorFramework second = Curator.connect(scope);
        ServiceDiscovery<String> two = start(scope, second);
        ServiceInstance<String> first = instance(7001);
        one.registerService(first);
        two.registerService(instance(7002));
        equal(new ArrayList<>(two.queryForNames()), java.util.List.of("greeting"), "services");
        Curator.fresh(c);
        equal(one.queryForInstances("greeting").size(), 2, "instances");
        equal(two.queryForInstance("greeting", first.getId()).getPayload(), "on 7001", "payload");
        second.close();
        eventually(() -> one.queryForInstances("greeting").size() == 1, "an instance goes with its session");
        one.unregisterService(first);
        equal(one.queryForInstances("greeting").size(), 0, "instances at the end");
    }

    private static void cacheAndProvider(Scope scope) throws Exception {
        ServiceDiscovery<String> one = start(scope, Curator.withRoot(scope));
        ServiceDiscovery<String> two = start(scope, Curator.connect(scope));
        ServiceCache<String> cache = scope.own(two.serviceCacheBuilder().name("greeting").build());
        cache.start();
        ServiceProvider<String> provider = scope.own(two.serviceProviderBuilder().serviceName("greeting").build());
        provider.start();
        equal(provider.getInstance(), null, "nothing is offered yet");
        ServiceInstance<String> first = instance(7001);
        one.registerService(first);
        one.registerService(instance(7002));
        eventually(() -> cache.getInstances().size() == 2, "the cache sees both");
        Set<Integer> ports = new TreeSet<>();
        eventually(() -> {
            ServiceInstance<String> chosen = provider.getInstance();
            if (chosen != null) {
                ports.add(chosen.getPort());
            }
            return ports.equals(Set.of(7001, 7002));
        }, "the provider goes round");
        one.unregisterService(first);
        eventually(() -> cache.getInstances().size() == 1, "the cache sees one");
        that(cache.getInstances().get(0).getPort() == 7002, "the other one");
    }
}
