//! The text that `serve` prints when it is started without policies.

#![expect(clippy::print_stderr, reason = "speaks to a person who tries partywall out")]

use std::net::SocketAddr;

/// A review of a pod in a namespace of the embedded demo, complete enough to be decided.
const REVIEW: &str = concat!(
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"demo","#,
    r#""kind":{"group":"","version":"v1","kind":"Pod"},"#,
    r#""resource":{"group":"","version":"v1","resource":"pods"},"#,
    r#""name":"web","namespace":"tenants-x","operation":"CREATE","userInfo":{"username":"you"},"#,
    r#""object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"tenants-x"},"#,
    r#""spec":{"containers":[{"name":"web","image":"nginx"}]}}}}"#,
);

/// Prints that the demo runs, and how to try it.
pub(super) fn announce(listen: SocketAddr) {
    let host = match listen {
        any if any.ip().is_unspecified() => format!("127.0.0.1:{}", listen.port()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => listen.to_string(),
    };
    eprintln!(
        "\nThis is the DEMO: no --policies were given, so the embedded examples hold. Not for a cluster.\n\
         Have a pod stamped (the patch in the answer is base64):\n\n  \
         curl -sk 'https://{host}/mutate' -d '{REVIEW}'\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use partywall_core::objects::object::Object;
    use partywall_core::review;

    #[test]
    fn the_review_is_one() {
        let request = review::decode(REVIEW.as_bytes()).unwrap();
        assert_eq!((&*request.uid, &*request.namespace), ("demo", "tenants-x"));
        assert!(matches!(request.operation, review::Operation::Create { new: Object::Pod(_) }));
        assert!(!REVIEW.contains('\''), "it is quoted for a shell");
    }
}
