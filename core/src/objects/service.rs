//! Declares the fields that rules read of Services, Endpoints and EndpointSlices.

use serde_json::value::RawValue;

use crate::json::{List, Text, borrowed};
use crate::objects::metadata::Metadata;

borrowed! {
    /// Holds a Service.
    pub struct Service<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: ServiceSpec<'a> = "spec",
        /// The object's status.
        status: ServiceStatus<'a> = "status",
    }
}

borrowed! {
    /// Holds the spec of a Service.
    pub struct ServiceSpec<'a> {
        /// The type; empty means `ClusterIP`.
        type_: Text<'a> = "type",
        /// The external IPs; every node accepts traffic for them.
        external_ips: List<Text<'a>> = "externalIPs",
        /// The external name.
        external_name: Text<'a> = "externalName",
        /// The ports.
        ports: List<ServicePort> = "ports",
        /// True if a load balancer gets node ports; absent means true.
        allocate_load_balancer_node_ports: Option<bool> = "allocateLoadBalancerNodePorts",
        /// The node port for health checks of load balancers; 0 means none.
        health_check_node_port: i64 = "healthCheckNodePort",
        /// The requested address of the load balancer; empty means any.
        load_balancer_ip: Text<'a> = "loadBalancerIP",
        /// The load balancer class; empty means the cluster's default.
        load_balancer_class: Text<'a> = "loadBalancerClass",
    }
}

borrowed! {
    /// Holds a port of a Service.
    pub struct ServicePort {
        /// The node port; 0 means none.
        node_port: i64 = "nodePort",
    }
}

borrowed! {
    /// Holds the status of a Service or an Ingress.
    pub struct ServiceStatus<'a> {
        /// The status of the load balancer.
        load_balancer: LoadBalancerStatus<'a> = "loadBalancer",
    }
}

borrowed! {
    /// Holds the status of a load balancer.
    pub struct LoadBalancerStatus<'a> {
        /// The addresses; every node accepts traffic for them.
        ingress: List<LoadBalancerIngress<'a>> = "ingress",
    }
}

borrowed! {
    /// Holds an address of a load balancer.
    pub struct LoadBalancerIngress<'a> {
        /// The IP address.
        ip: Text<'a> = "ip",
        /// The host name.
        hostname: Text<'a> = "hostname",
    }
}

borrowed! {
    /// Holds Endpoints or an EndpointSlice.
    ///
    /// The addresses are not decoded: the rules only compare them with the old ones.
    pub struct Endpoints<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The addresses of Endpoints.
        subsets: Option<&'a RawValue> = "subsets",
        /// The addresses of an EndpointSlice.
        endpoints: Option<&'a RawValue> = "endpoints",
        /// The ports of an EndpointSlice.
        ports: Option<&'a RawValue> = "ports",
        /// The address type of an EndpointSlice.
        address_type: Text<'a> = "addressType",
    }
}
