//! Knows the annotations of Huawei Cloud's load balancers. They name existing load balancers, and create others in
//! the account. None is listed; [`super::google`] knows those below `kubernetes.io`.

use crate::judging::annotations::Controller;

pub(super) const HUAWEI: Controller = Controller {
    prefixes: &["huaweicloud.com", "cce.huaweicloud.com"],
    source: "https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0385.html",
    ..Controller::EMPTY
};
