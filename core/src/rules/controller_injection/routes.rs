//! Judges the routes of the Gateway API, which most controllers pass to Envoy.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::Escaped;
use crate::judging::Findings;
use crate::judging::grammar::{Engine, MAX_LENGTH, compiles, is_header, is_header_value};
use crate::objects::gateway_api::{
    Filter, GrpcMethod, HeaderFilter, RouteMatch, RouteRule, RouteSpec, UrlFilter, ValueMatch,
};

pub(super) fn check(spec: &RouteSpec<'_>, findings: &mut Findings<'_>) {
    let mut judge = RouteInjection { findings };
    for (index, RouteRule { matches, filters, backend_refs }) in spec.rules.iter().enumerate() {
        let path = format_args!("spec.rules[{index}]");
        for (place, one) in matches.iter().enumerate() {
            judge.one_match(&format_args!("{path}.matches[{place}]"), one);
        }
        judge.filters(&path, filters);
        for (place, backend) in backend_refs.iter().enumerate() {
            judge.filters(&format_args!("{path}.backendRefs[{place}]"), &backend.filters);
        }
    }
}

struct RouteInjection<'j, 'f> {
    findings: &'j mut Findings<'f>,
}

impl RouteInjection<'_, '_> {
    fn one_match(&mut self, path: &dyn fmt::Display, one: &RouteMatch<'_>) {
        let RouteMatch { path: url, headers, query_params, method } = one;
        self.value(&format_args!("{path}.path"), url, is_path);
        for (index, header) in headers.iter().enumerate() {
            let place = format_args!("{path}.headers[{index}]");
            self.header_name(&format_args!("{place}.name"), &header.name);
            self.value(&place, header, is_text);
        }
        for (index, parameter) in query_params.iter().enumerate() {
            self.value(&format_args!("{path}.queryParams[{index}]"), parameter, is_text);
        }
        // In an HTTPRoute it is a word of a short list.
        let method =
            method.map(RawValue::get).and_then(|raw| serde_json::from_str::<GrpcMethod<'_>>(raw).ok());
        if let Some(GrpcMethod { type_, service, method }) = method {
            for (field, value) in [("service", service), ("method", method)] {
                let one = ValueMatch { type_: type_.clone(), value, ..ValueMatch::default() };
                self.value_at(&format_args!("{path}.method.{field}"), &one, is_text);
            }
        }
    }

    fn value(&mut self, path: &dyn fmt::Display, one: &ValueMatch<'_>, is_literal: fn(&str) -> bool) {
        self.value_at(&format_args!("{path}.value"), one, is_literal);
    }

    fn value_at(&mut self, field: &dyn fmt::Display, one: &ValueMatch<'_>, is_literal: fn(&str) -> bool) {
        let ValueMatch { type_, value, .. } = one;
        let identity = format_args!("match {type_} {value}");
        if &**type_ != "RegularExpression" {
            if !is_literal(value) || value.len() > MAX_LENGTH {
                let message = format_args!(
                    "`{}` has characters that could change the controller's configuration; leave them out",
                    Escaped(value)
                );
                self.findings.add_whole(field, &message, &identity);
            }
        } else if !compiles(value, Engine::Re2) || value.contains('`') || value.len() > MAX_LENGTH {
            let message = format_args!(
                "`{}` may be no regular expression to the controller, which could stop it from loading its \
                 configuration; close each group and class, write `\\` before literal signs, leave out named groups, \
                 back references and what looks ahead, or ask the platform team for an Exemption from \
                 `controller-injection`",
                Escaped(value)
            );
            self.findings.add_whole(field, &message, &identity);
        }
    }

    fn filters(&mut self, path: &dyn fmt::Display, filters: &[Filter<'_>]) {
        for (index, filter) in filters.iter().enumerate() {
            let path = format_args!("{path}.filters[{index}]");
            let headers = [
                ("requestHeaderModifier", &filter.request_headers),
                ("responseHeaderModifier", &filter.response_headers),
            ];
            for (field, headers) in
                headers.iter().filter_map(|(field, headers)| Some((field, headers.as_ref()?)))
            {
                self.headers(&format_args!("{path}.{field}"), headers);
            }
            let urls = [("requestRedirect", &filter.redirect), ("urlRewrite", &filter.rewrite)];
            for (field, url) in urls.iter().filter_map(|(field, url)| Some((field, url.as_ref()?))) {
                self.url(&format_args!("{path}.{field}.path"), url);
            }
        }
    }

    fn headers(&mut self, path: &dyn fmt::Display, filter: &HeaderFilter<'_>) {
        let HeaderFilter { set, add, remove } = filter;
        for (list, headers) in [("set", set), ("add", add)] {
            for (index, ValueMatch { name, value, .. }) in headers.iter().enumerate() {
                let place = format_args!("{path}.{list}[{index}]");
                self.header_name(&format_args!("{place}.name"), name);
                if !is_header_value(value) {
                    let message = format_args!(
                        "`{}` has a control character, or a `%`, which begins a command in Envoy and HAProxy; write \
                         `%%` for one sign",
                        Escaped(value)
                    );
                    let identity = format_args!("header {name}={value}");
                    self.findings.add_whole(&format_args!("{place}.value"), &message, &identity);
                }
            }
        }
        for (index, name) in remove.iter().enumerate() {
            self.header_name(&format_args!("{path}.remove[{index}]"), name);
        }
    }

    fn header_name(&mut self, field: &dyn fmt::Display, name: &str) {
        if !is_header(name) {
            let message =
                format_args!("`{}` is no name of a header; write letters, digits and `-`", Escaped(name));
            self.findings.add_whole(field, &message, &format_args!("header {name}"));
        }
    }

    fn url(&mut self, path: &dyn fmt::Display, filter: &UrlFilter<'_>) {
        let new = &filter.path;
        for (field, value) in [("replaceFullPath", &new.full), ("replacePrefixMatch", &new.prefix)] {
            if !is_path(value) || value.len() > MAX_LENGTH {
                let message = format_args!(
                    "`{}` has characters that could change the controller's configuration; leave them out",
                    Escaped(value)
                );
                self.findings.add_whole(
                    &format_args!("{path}.{field}"),
                    &message,
                    &format_args!("url {value}"),
                );
            }
        }
    }
}

/// Returns whether `text` has only the characters that the Gateway API allows in a path, and those of a query.
fn is_path(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%?".contains(c))
}

/// Returns whether `text` has no control characters, and no backtick, which ends a text in Traefik's rules.
fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && c != '`')
}
