//! Knows the annotations of VMware's load balancers: Avi (AKO), and NSX (NCP). They name pools, addresses, profiles
//! and networks of the whole installation.

use crate::judging::annotations::Controller;

pub(super) const AVI: Controller = Controller {
    prefixes: &["ako.vmware.com", "aviinfrasetting.ako.vmware.com", "avi.vmware.com"],
    source: "https://techdocs.broadcom.com/us/en/vmware-security-load-balancing/avi-load-balancer.html",
    ..Controller::EMPTY
};

pub(super) const NSX: Controller = Controller {
    prefixes: &["ncp", "nsx.vmware.com", "nsx-op.vmware.com"],
    source: "https://techdocs.broadcom.com/us/en/vmware-cis/nsx/container-plugin.html",
    ..Controller::EMPTY
};
