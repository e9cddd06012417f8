//! Lists the annotations of Gardener, which publishes names and requests certificates for them.

use crate::judging::annotations::AllowedValue::{Hosts, Plain};
use crate::judging::annotations::Controller;

pub(super) const GARDENER: Controller = Controller {
    prefixes: &["dns.gardener.cloud", "cert.gardener.cloud"],
    keys: &[(Plain, &["class", "dnsnames-count", "purpose", "ttl"]), (Hosts, &["commonname", "dnsnames"])],
    source: "https://gardener.cloud/docs/extensions/others/gardener-extension-shoot-dns-service/",
    ..Controller::EMPTY
};
