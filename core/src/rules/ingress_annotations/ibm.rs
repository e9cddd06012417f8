//! Lists the annotations of IBM Cloud's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const IBM: Controller = Controller {
    prefixes: &["service.kubernetes.io"],
    within: &["ibm-"],
    keys: &[(
        Plain,
        &[
            "ibm-load-balancer-cloud-provider-enable-features",
            "ibm-load-balancer-cloud-provider-ip-type",
            "ibm-load-balancer-cloud-provider-ipvs-scheduler",
            "ibm-load-balancer-cloud-provider-vpc-health-check-delay",
            "ibm-load-balancer-cloud-provider-vpc-health-check-path",
            "ibm-load-balancer-cloud-provider-vpc-health-check-port",
            "ibm-load-balancer-cloud-provider-vpc-health-check-protocol",
            "ibm-load-balancer-cloud-provider-vpc-health-check-retries",
            "ibm-load-balancer-cloud-provider-vpc-health-check-timeout",
            "ibm-load-balancer-cloud-provider-vpc-idle-connection-timeout",
        ],
    )],
    source: "https://cloud.ibm.com/docs/containers?topic=containers-setup_vpc_lb",
    ..Controller::EMPTY
};

pub(super) const IBM_INGRESS: Controller = Controller {
    prefixes: &["ingress.bluemix.net", "cloud.ibm.com"],
    source: "https://cloud.ibm.com/docs/containers?topic=containers-comm-ingress-annotations",
    ..Controller::EMPTY
};
