//! T68 and T127: which address is read, and which never.
use super::*;
use http::{HeaderValue, Request};

fn parts(headers: &[(&'static str, &[u8])]) -> Parts {
    let mut parts = Request::new(()).into_parts().0;
    for (name, value) in headers {
        parts.headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    parts
}

fn read(source: IpSource, parts: &Parts) -> Option<String> {
    Addresses::new(source).of(parts).map(|ip| ip.to_string())
}

const SOURCES: [IpSource; 8] = [
    IpSource::RightmostXForwardedFor,
    IpSource::RightmostForwarded,
    IpSource::XRealIp,
    IpSource::CfConnectingIp,
    IpSource::CloudFrontViewerAddress,
    IpSource::FlyClientIp,
    IpSource::TrueClientIp,
    IpSource::XEnvoyExternalAddress,
];

/// What a proxy may write for its client, and the address in it.
const FORMS: [(&str, Option<&str>); 46] = [
    ("203.0.113.7", Some("203.0.113.7")),
    (" 203.0.113.7 ", Some("203.0.113.7")),
    ("\t203.0.113.7", Some("203.0.113.7")),
    ("203.0.113.7:54321", Some("203.0.113.7")),
    ("203.0.113.7:0", Some("203.0.113.7")),
    ("203.0.113.7:65535", Some("203.0.113.7")),
    ("203.0.113.7:_port", Some("203.0.113.7")),
    ("\"203.0.113.7\"", Some("203.0.113.7")),
    ("\"203.0.113.7:54321\"", Some("203.0.113.7")),
    ("\" 203.0.113.7 \"", Some("203.0.113.7")),
    ("2001:db8::1", Some("2001:db8::1")),
    ("2001:DB8:0:0::1", Some("2001:db8::1")),
    ("[2001:db8::1]", Some("2001:db8::1")),
    ("[2001:db8::1]:443", Some("2001:db8::1")),
    ("\"[2001:db8::1]\"", Some("2001:db8::1")),
    ("\"[2001:db8::1]:443\"", Some("2001:db8::1")),
    ("[2001:db8::1]:_gw.1-a", Some("2001:db8::1")),
    ("::ffff:203.0.113.7", Some("203.0.113.7")),
    ("[::ffff:203.0.113.7]:443", Some("203.0.113.7")),
    ("fe80::1%eth0", Some("fe80::1")),
    ("[fe80::1%25eth0]:1", Some("fe80::1")),
    ("::1", Some("::1")),
    ("", None),
    (" ", None),
    ("unknown", None),
    ("_hidden", None),
    ("localhost", None),
    ("203.0.113", None),
    ("203.0.113.256", None),
    ("203.0.113.007", None),
    ("0xcb007107", None),
    ("3405803783", None),
    ("203.0.113.7:65536", None),
    ("203.0.113.7:port", None),
    ("203.0.113.7:+1", None),
    ("203.0.113.7:_", None),
    ("203.0.113.7/32", None),
    ("203.0.113.7 6.6.6.6", None),
    ("[203.0.113.7]", None),
    ("[2001:db8::1", None),
    ("2001:db8::1]", None),
    ("[2001:db8::1]443", None),
    ("[2001:db8::1]:", None),
    ("[]", None),
    ("2001:db8::g", None),
    ("\"203.0.113.7", None),
];

/// T127: ports, brackets, quotes and blanks are read in every header; what is no address is none.
#[test]
fn t127_every_form_of_an_address_is_read_from_every_header() {
    let mut tried = 0;
    for source in SOURCES {
        let name: &'static str = source.header().map(|name| name.to_string().leak() as &str).unwrap();
        for (form, want) in FORMS {
            // Of these CloudFront's own way of writing makes something else: everything behind the last colon is a port.
            let loose = matches!(form, "2001:DB8:0:0::1" | "203.0.113.7:65536" | "203.0.113.7:port" | "203.0.113.7:+1");
            let loose = loose || matches!(form, "203.0.113.7:_" | "2001:db8::g" | "::ffff:203.0.113.7");
            if source == IpSource::CloudFrontViewerAddress && loose {
                continue;
            }
            let spoofs = ["", "6.6.6.6, ", "6.6.6.6,7.7.7.7:1 ,", "\", ", "\"6.6.6.6\\\", ", "for=6.6.6.6, for=\", "];
            for spoof in spoofs {
                let forwarded = source == IpSource::RightmostForwarded;
                for after in if forwarded { &["", ";proto=https", ";by=\"[::1]:1, 6.6.6.6\""][..] } else { &[""] } {
                    let entry = if forwarded { format!("For={form}{after}") } else { form.to_owned() };
                    // A quote that is left open is the proxy's own fault, and hides what it hides.
                    if form == "\"203.0.113.7" && forwarded && !after.is_empty() {
                        continue;
                    }
                    let line = format!("{spoof}{entry}");
                    let got = read(source, &parts(&[(name, b"6.6.6.6"), (name, line.as_bytes())]));
                    assert_eq!(got.as_deref(), want, "{source:?}: {line:?}");
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} headers in {} forms from {} sources", FORMS.len(), SOURCES.len());
}

#[test]
fn t127_cloudfront_writes_no_brackets() {
    let cases = [
        ("203.0.113.7:54321", Some("203.0.113.7")),
        ("2001:db8::1:443", Some("2001:db8::1")),
        ("2001:db8:0:0:0:0:0:1:443", Some("2001:db8::1")),
        ("[2001:db8::1]:443", Some("2001:db8::1")),
        ("203.0.113.7", Some("203.0.113.7")),
        ("unknown:1", None),
    ];
    for (form, want) in cases {
        let got = read(IpSource::CloudFrontViewerAddress, &parts(&[("cloudfront-viewer-address", form.as_bytes())]));
        assert_eq!(got.as_deref(), want, "{form}");
    }
}

#[test]
fn t68_forwarded_is_read_as_its_proxy_wrote_it() {
    let cases = [
        ("for=203.0.113.7", Some("203.0.113.7")),
        ("for=6.6.6.6, for=203.0.113.7;proto=http;by=203.0.113.43", Some("203.0.113.7")),
        ("proto=https;FOR=\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
        ("for=203.0.113.7;host=\"evil, for=6.6.6.6\"", Some("203.0.113.7")),
        ("for=203.0.113.7;host=\"evil\\\", for=6.6.6.6\"", Some("203.0.113.7")),
        ("for=203.0.113.7;host=\"evil\\\\\"", Some("203.0.113.7")),
        ("for=203.0.113.7;host=evil;for=6.6.6.6", None),
        ("for=6.6.6.6, proto=https", None),
        ("for=6.6.6.6, for=unknown", None),
        ("for=6.6.6.6, for=_hidden", None),
        ("for=6.6.6.6,", None),
        ("203.0.113.7", None),
    ];
    for (form, want) in cases {
        let got = read(IpSource::RightmostForwarded, &parts(&[("forwarded", form.as_bytes())]));
        assert_eq!(got.as_deref(), want, "{form}");
    }
}

/// T68: whatever a client writes into headers, the address is the socket's or the trusted hop's.
#[test]
fn t68_a_client_cannot_choose_its_address() {
    let spoofs: [&[(&str, &[u8])]; 8] = [
        &[("x-forwarded-for", b"6.6.6.6")],
        &[("x-forwarded-for", b"6.6.6.6, 7.7.7.7")],
        &[("forwarded", b"for=6.6.6.6")],
        &[("x-real-ip", b"6.6.6.6")],
        &[("cf-connecting-ip", b"6.6.6.6")],
        &[("true-client-ip", b"6.6.6.6")],
        &[("x_forwarded_for", b"6.6.6.6")],
        &[("x-client-ip", b"6.6.6.6"), ("client-ip", b"6.6.6.6")],
    ];
    for spoof in spoofs {
        let mut parts = parts(spoof);
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 4711))));
        assert_eq!(read(IpSource::Peer, &parts).as_deref(), Some("203.0.113.9"), "{spoof:?}");
        assert_eq!(read(IpSource::None, &parts), None);
    }
    let lines: [(&str, &[u8]); 2] =
        [("x-forwarded-for", b"6.6.6.6, 198.51.100.1"), ("x-forwarded-for", b"\xff, 192.0.2.7")];
    assert_eq!(read(IpSource::RightmostXForwardedFor, &parts(&lines)).as_deref(), Some("192.0.2.7"));
    for broken in [&b""[..], b"6.6.6.6, ", b"unknown", b"6.6.6.6, evil", b"\xff"] {
        let parts = parts(&[("x-forwarded-for", broken)]);
        assert_eq!(read(IpSource::RightmostXForwardedFor, &parts), None, "{broken:?}");
    }
}

#[test]
fn the_peer_comes_from_either_extension() {
    let mut parts = parts(&[]);
    assert_eq!(read(IpSource::Peer, &parts), None);
    parts.extensions.insert("[::ffff:192.0.2.1]:80".parse::<SocketAddr>().unwrap());
    assert_eq!(read(IpSource::Peer, &parts).as_deref(), Some("192.0.2.1"));
}
