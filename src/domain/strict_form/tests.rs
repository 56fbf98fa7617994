use super::*;

/// T64: what is refused, and as what.
#[test]
fn t64_what_programs_read_differently_is_refused() {
    use BodyFaultKind::*;
    let table: &[(&[u8], &str, BodyFaultKind)] = &[
        (b"a=1&a=2", "a", DuplicateName),
        (b"a=1&a=1", "a", DuplicateName),
        (b"a=1&%61=2", "a", DuplicateName),
        (b"amount=1&b=2&Amount=3", "Amount", DuplicateName),
        (b"a[]=1&a[]=2", "a[]", DuplicateName),
        (b"a", "", Syntax),
        (b"a=1&b", "", Syntax),
        (b"a=1&", "", Syntax),
        (b"&a=1", "", Syntax),
        (b"a=1&&b=2", "", Syntax),
        (b"=1", "", Syntax),
        (b"a=b=c", "a", Syntax),
        (b"a=1;b=2", "a", Syntax),
        (b"a=%", "a", Syntax),
        (b"a=%4", "a", Syntax),
        (b"a=%4G", "a", Syntax),
        (b"a=%+1", "a", Syntax),
        (b"a=%u0041", "a", Syntax),
        (b"%4=1", "", Syntax),
        (b"a=b c", "a", Syntax),
        (b"a=1\n", "a", Syntax),
        (b"a=\xc3\xa9", "a", Syntax),
        (b"a=\"", "a", Syntax),
        (b"{\"a\":1}", "", Syntax),
        (b"\xef\xbb\xbfa=1", "", Syntax),
        (b"a=%FF", "a", NotUtf8),
        (b"a=%C0%AF", "a", NotUtf8),
        (b"a=%ED%A0%80", "a", NotUtf8),
        (b"%FF=1", "", NotUtf8),
        (b"a=%00", "a", Character),
        (b"a%00b=1", "", Character),
    ];
    for (body, path, kind) in table {
        let fault = parse(body).unwrap_err();
        assert_eq!((fault.path.as_str(), fault.kind), (*path, *kind), "{}", body.escape_ascii());
    }
    println!("{} bodies refused", table.len());
}

#[test]
fn what_clients_send_is_read_as_the_url_standard_reads_it() {
    for text in [
        "",
        "a=",
        "a=1&b=2",
        "to=b%C3%B6b&note=a+b%0D%0Ac%2B%25%26%3D%3B",
        "a=%c3%a9&mail=ada@example.com",
        "a%5B0%5D=1&a[1]=2",
        "csrf_token=abc-_.~*!'()",
    ] {
        let ours: Vec<_> = parse(text.as_bytes()).unwrap();
        let theirs: Vec<_> = form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.into_owned(), Node::Text(value.into_owned())))
            .collect();
        assert_eq!(ours, theirs, "{text}");
    }
}
