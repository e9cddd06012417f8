//! Knows the annotations of Tencent Cloud on pods: networks, addresses and roles. None is listed.

use crate::judging::annotations::Controller;

pub(super) const TENCENT: Controller = Controller {
    prefixes: &["cloud.tencent.com"],
    source: "https://www.tencentcloud.com/document/product/457/38968",
    ..Controller::EMPTY
};
