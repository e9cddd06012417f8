//! Reads the actions of an AWS load balancer: JSON that redirects, answers, or forwards.
//!
//! An action that forwards to a target group by its ARN may reach another tenant's pods.

use serde::de::IgnoredAny;

/// Holds one action.
///
/// The controller accepts keys in any letter case. A key in a third spelling is an error, so that it is not overlooked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Action<'c> {
    #[serde(borrow, rename = "type", alias = "Type")]
    type_: &'c str,
    #[serde(rename = "redirectConfig", alias = "RedirectConfig")]
    _redirect: Option<IgnoredAny>,
    #[serde(rename = "fixedResponseConfig", alias = "FixedResponseConfig")]
    _fixed_response: Option<IgnoredAny>,
    #[serde(rename = "forwardConfig", alias = "ForwardConfig")]
    forward: Option<Forward>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Forward {
    #[serde(rename = "targetGroups", alias = "TargetGroups")]
    target_groups: Vec<TargetGroup>,
    #[serde(rename = "targetGroupStickinessConfig", alias = "TargetGroupStickinessConfig")]
    _stickiness: Option<IgnoredAny>,
}

/// A Service in the Ingress' namespace.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetGroup {
    #[serde(rename = "serviceName", alias = "ServiceName")]
    _service_name: IgnoredAny,
    #[serde(rename = "servicePort", alias = "ServicePort")]
    _service_port: IgnoredAny,
    #[serde(rename = "weight", alias = "Weight")]
    _weight: Option<IgnoredAny>,
}

/// Returns whether an action redirects, answers, or forwards only to Services.
pub(crate) fn are_harmless(value: &str) -> bool {
    serde_json::from_str::<Action<'_>>(value).is_ok_and(|action| match action.type_ {
        "redirect" | "fixed-response" => action.forward.is_none(),
        "forward" => action.forward.is_some_and(|forward| !forward.target_groups.is_empty()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::are_harmless;

    #[test]
    fn g10_actions_that_name_a_target_group_are_refused() {
        for action in [
            r#"{"type":"redirect","redirectConfig":{"host":"example.org","statusCode":"HTTP_302"}}"#,
            r#"{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
"#,
            concat!(
                r#"{"type":"fixed-response","fixedResponseConfig":"#,
                r#"{"contentType":"text/plain","statusCode":"503","messageBody":"no; {}"}}"#
            ),
            concat!(
                r#"{"type":"forward","forwardConfig":{"targetGroups":["#,
                r#"{"serviceName":"a","servicePort":"http","weight":20},{"serviceName":"b","servicePort":80}],"#,
                r#""targetGroupStickinessConfig":{"enabled":true}}}"#
            ),
        ] {
            assert!(are_harmless(action), "{action}");
        }
        for action in [
            "",
            "[]",
            "{}",
            r#"{"type":"forward","targetGroupARN":"arn:aws:x"}"#,
            r#"{"type":"forward","forwardConfig":{"targetGroups":[{"targetGroupARN":"arn:aws:x"}]}}"#,
            concat!(
                r#"{"type":"forward","forwardConfig":{"targetGroups":["#,
                r#"{"serviceName":"a","servicePort":80,"targetgrouparn":"x"}]}}"#
            ),
            r#"{"type":"redirect","forwardConfig":{"targetGroups":[{"serviceName":"a","servicePort":80}]}}"#,
            r#"{"type":"forward"}"#,
            r#"{"type":"authenticate-oidc"}"#,
            r#"{"type":"redirect","type":"forward"}"#,
            r#"{"type":"redirect","TYPE":"forward"}"#,
        ] {
            assert!(!are_harmless(action), "{action}");
        }
    }
}
