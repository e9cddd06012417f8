//! Lists the annotations of AWS' other controllers (Gateway API, VPC Lattice, certificates) on Services, Ingresses
//! and routes.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::Controller;

pub(super) const AWS_CONTROLLERS: Controller = Controller {
    prefixes: &["amazonaws.com", "k8s.aws", "services.k8s.aws"],
    source: "https://www.gateway-api-controller.eks.aws.dev/latest/",
    ..Controller::EMPTY
};
