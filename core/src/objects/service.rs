//! What the rules read of Services, and of the addresses behind them.

use serde_json::value::RawValue;

use crate::json::{List, Text, record};
use crate::objects::metadata::Metadata;

record! {
    /// A Service.
    pub struct Service<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: ServiceSpec<'a> = "spec",
        /// The object's status.
        status: ServiceStatus<'a> = "status",
    }
}

record! {
    /// The spec of a Service.
    pub struct ServiceSpec<'a> {
        /// The type; empty: `ClusterIP`.
        type_: Text<'a> = "type",
        /// Addresses whose traffic every node takes.
        external_ips: List<Text<'a>> = "externalIPs",
        /// The name it is an alias for.
        external_name: Text<'a> = "externalName",
        /// Its ports.
        ports: List<ServicePort> = "ports",
        /// Whether a load balancer gets node ports too; absent: it does.
        allocate_load_balancer_node_ports: Option<bool> = "allocateLoadBalancerNodePorts",
        /// The port on every node where load balancers ask whether it has pods there; 0: none.
        health_check_node_port: i64 = "healthCheckNodePort",
        /// The address that a load balancer is asked to have; empty: any.
        load_balancer_ip: Text<'a> = "loadBalancerIP",
        /// Who makes the load balancer; empty: the cluster's default.
        load_balancer_class: Text<'a> = "loadBalancerClass",
    }
}

record! {
    /// A port of a Service.
    pub struct ServicePort {
        /// The port on every node; 0: none.
        node_port: i64 = "nodePort",
    }
}

record! {
    /// The status of a Service or an Ingress.
    pub struct ServiceStatus<'a> {
        /// The load balancer's.
        load_balancer: LoadBalancerStatus<'a> = "loadBalancer",
    }
}

record! {
    /// The status of a load balancer.
    pub struct LoadBalancerStatus<'a> {
        /// Its addresses, whose traffic every node takes.
        ingress: List<LoadBalancerIngress<'a>> = "ingress",
    }
}

record! {
    /// An address of a load balancer.
    pub struct LoadBalancerIngress<'a> {
        /// The address.
        ip: Text<'a> = "ip",
        /// Its name.
        hostname: Text<'a> = "hostname",
    }
}

record! {
    /// The addresses behind a Service: Endpoints or an EndpointSlice. What they are is not read, but whether they
    /// are others than before.
    pub struct Endpoints<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The addresses of Endpoints.
        subsets: Option<&'a RawValue> = "subsets",
        /// The addresses of an EndpointSlice.
        endpoints: Option<&'a RawValue> = "endpoints",
        /// The ports of an EndpointSlice.
        ports: Option<&'a RawValue> = "ports",
        /// The kind of addresses of an EndpointSlice.
        address_type: Text<'a> = "addressType",
    }
}
