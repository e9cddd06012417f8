//! Lists the annotations of Alibaba Cloud on pods.
//!
//! Documented but not listed: networks, addresses and roles.

use crate::judging::annotations::AllowedValue::Controllers;
use crate::judging::annotations::Controller;

pub(super) const ALIBABA: Controller = Controller {
    prefixes: &["aliyun.com", "alibabacloud.com"],
    keys: &[(Controllers, &["allocated-eniid", "pod-eni"])],
    source: "https://github.com/AliyunContainerService/terway/blob/main/docs/terway-trunk.md",
    ..Controller::EMPTY
};
