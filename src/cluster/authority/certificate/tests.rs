use super::*;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 24 * 60 * 60;

fn names(host: Option<&str>) -> Names {
    Names::new("partywall-system", host.map(str::to_owned))
}

fn der(ca: &Ca) -> CertificateDer<'static> {
    one(&ca.certificate).unwrap().0
}

#[test]
fn a_ca_is_valid_a_day_earlier_and_ends_when_it_is_told() {
    let ca = make_ca(&names(None), NOW, 730 * DAY).unwrap();
    assert_eq!((ca.made, ca.until), (NOW, NOW + 730 * DAY));
    assert_eq!(validity(&der(&ca)), Some(Validity { not_before: NOW - DAY, not_after: ca.until }));
    assert_eq!(read_ca(&ca.certificate, ca.key.as_deref(), &names(None)), Ok(ca));
}

#[test]
fn a_serving_certificate_is_valid_an_hour_earlier_and_ends_with_its_ca() {
    let names = names(None);
    let ca = make_ca(&names, NOW, 40 * DAY).unwrap();
    for (now, until) in [(NOW, NOW + 30 * DAY), (NOW + 20 * DAY, NOW + 40 * DAY)] {
        let (leaf, certified) = make_leaf(&ca, &names, now, 30 * DAY).unwrap();
        assert_eq!((leaf.from, leaf.until), (now - 3_600, until));
        let validity = validity(&certified.cert[0]).unwrap();
        assert_eq!((validity.not_before, validity.not_after), (leaf.from, until));
        let third = (until - now) / 3;
        let left = until - leaf.renew_at;
        assert!((third - third / 10..=third + third / 10).contains(&left), "{left} of {third}");
        assert_eq!(signer_of(&certified.cert, [&der(&ca)], now), Some(&der(&ca)));
    }
    assert!(make_leaf(&ca, &names, NOW + 41 * DAY, DAY).is_err(), "the CA has ended");
}

#[test]
fn callers_trust_a_certificate_by_the_names_of_the_service_and_the_url() {
    for host in [None, Some("127.0.0.1"), Some("fd00::7"), Some("webhooks.example.com")] {
        let names = names(host);
        let ca = make_ca(&names, NOW, DAY).unwrap();
        assert!(ca.fits);
        let (_, certified) = make_leaf(&ca, &names, NOW, DAY).unwrap();
        let leaf = EndEntityCert::try_from(&certified.cert[0]).unwrap();
        for name in ["partywall.partywall-system.svc"].into_iter().chain(host) {
            let name = rustls::pki_types::ServerName::try_from(name).unwrap();
            assert_eq!(leaf.verify_is_valid_for_subject_name(&name), Ok(()), "{name:?}");
        }
    }
}

#[test]
fn a_stolen_ca_signs_for_no_other_name() {
    let own = names(None);
    let ca = make_ca(&own, NOW, DAY).unwrap();
    let with_address = make_ca(&names(Some("10.0.0.7")), NOW, DAY).unwrap();
    let with_host = make_ca(&names(Some("webhooks.example.com")), NOW, DAY).unwrap();
    for (ca, host) in [
        (&ca, "kubernetes.default.svc"),
        (&ca, "10.0.0.7"),
        (&ca, "fd00::7"),
        (&with_address, "10.0.0.8"),
        (&with_address, "fd00::7"),
        (&with_address, "example.com"),
        (&with_host, "other.example.com"),
        (&with_host, "10.0.0.7"),
    ] {
        let signed = sign(ca, &names(Some(host)), (NOW - 1, NOW + 1), NOW);
        let problem = signed.err().unwrap().to_string();
        assert!(problem.ends_with("NameConstraintViolation"), "{host}: {problem}");
    }
    assert!(sign(&ca, &Names::new("elsewhere", None), (NOW - 1, NOW + 1), NOW).is_err());
}

#[test]
fn a_ca_from_before_the_url_signs_for_the_service_alone() {
    let ca = make_ca(&names(None), NOW, DAY).unwrap();
    let names = names(Some("10.0.0.7"));
    let read = read_ca(&ca.certificate, ca.key.as_deref(), &names).unwrap();
    assert!(!read.fits);
    let (_, certified) = make_leaf(&read, &names, NOW, DAY).unwrap();
    assert!(is_for(&certified.cert[0], &names.of_service()));
    assert!(!is_for(&certified.cert[0], &names));
}

#[test]
fn cas_have_different_names_so_that_none_is_taken_for_another() {
    let (one, other) = (make_ca(&names(None), NOW, DAY).unwrap(), make_ca(&names(None), NOW, DAY).unwrap());
    let (_, certified) = make_leaf(&other, &names(None), NOW, DAY).unwrap();
    assert_eq!(signer_of(&certified.cert, [&der(&one), &der(&other)], NOW), Some(&der(&other)));
    assert_eq!(signer_of(&certified.cert, [&der(&one)], NOW), None);
    assert_eq!(signer_of(&certified.cert, [&der(&other)], NOW + 2 * DAY), None, "it has ended");
    let (one, other) = (der(&one), der(&other));
    let subject = |der| anchor_from_trusted_cert(der).unwrap().subject.to_vec();
    assert_ne!(subject(&one), subject(&other));
}

#[test]
fn keys_are_not_in_what_is_logged() {
    let ca = make_ca(&names(None), NOW, DAY).unwrap();
    let shown = format!("{ca:?} {:?}", make_leaf(&ca, &names(None), NOW, DAY).unwrap().0);
    assert!(!shown.contains("PRIVATE") && shown.contains(&ca.id.to_string()), "{shown}");
}
