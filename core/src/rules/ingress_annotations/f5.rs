//! Knows the annotations of F5's Container Ingress Services, which configure one appliance for all tenants. None is
//! listed: they name addresses, partitions, profiles and rules of the appliance.

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const F5: Controller = Controller {
    prefixes: &["cis.f5.com", "virtual-server.f5.com", "f5.com"],
    keys: &[(Plain, &["balance"])],
    source: "https://clouddocs.f5.com/containers/latest/userguide/ingress.html",
    ..Controller::EMPTY
};
