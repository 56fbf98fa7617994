//! Random forms, and what a browser sends of one (HTML, "constructing the entry list" and the encodings behind it).

/// A form as its page has it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) fields: Vec<Field>,
    pub(super) is_multipart: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// A field for a file; without a name, none was chosen.
    pub(super) file: Option<File>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    name: String,
    content_type: &'static str,
    content: Vec<u8>,
}

impl Made {
    /// Whether a page can post it again: HTML has no NUL, and a field for a secret has one line.
    pub(super) fn is_kept(&self) -> bool {
        self.fields.iter().all(|Field { name, value, .. }| {
            let is_secret = name.ends_with("pin") || name.contains("password");
            let has_lines = is_secret && value.contains(['\r', '\n']);
            !has_lines && !name.contains('\0') && !value.contains('\0')
        })
    }

    /// Its content type and body.
    pub(super) fn encode(&self, boundary: &str) -> (String, Vec<u8>) {
        if self.is_multipart {
            return (format!("multipart/form-data; boundary={boundary}"), self.parts(boundary));
        }
        let mut body = form_urlencoded::Serializer::new(String::new());
        for field in &self.fields {
            body.append_pair(&in_lines(&field.name), &in_lines(&field.value));
        }
        ("application/x-www-form-urlencoded".to_owned(), body.finish().into_bytes())
    }

    fn parts(&self, boundary: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for Field { name, value, file } in &self.fields {
            let name = quoted(&in_lines(name));
            body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").into_bytes());
            match file {
                None => body.extend(format!("\r\n\r\n{}", in_lines(value)).into_bytes()),
                Some(File { name, content_type, content }) => {
                    let content_type = if name.is_empty() { "application/octet-stream" } else { content_type };
                    let head = format!("; filename=\"{}\"\r\nContent-Type: {content_type}\r\n\r\n", quoted(name));
                    body.extend(head.into_bytes());
                    body.extend(content);
                }
            }
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        body
    }
}

/// With CRLF for each kind of line break.
fn in_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let below = u64::try_from(below).unwrap();
        usize::try_from((x ^ (x >> 31)) % below).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next(all.len())]
    }

    pub(super) fn form(&mut self) -> Made {
        let is_multipart = self.next(2) == 0;
        let has_files = is_multipart && self.next(2) == 0;
        let fields = (0..self.next(7)).map(|_| self.field(has_files)).collect();
        Made { fields, is_multipart }
    }

    fn field(&mut self, has_files: bool) -> Field {
        const NAMES: [&str; 12] = [
            "to",
            "to",
            "amount",
            "amount",
            "note[]",
            "my_pin",
            "new_password",
            "csrf_token",
            "a b",
            "日本",
            "é&=+%",
            "x\"y\r\nz",
        ];
        let name = match self.next(4) {
            0 => format!("n{}", self.text()),
            _ => self.one_of(&NAMES).to_owned(),
        };
        let file = (has_files && self.next(2) == 0).then(|| self.file());
        let value = if file.is_some() { String::new() } else { self.text() };
        Field { name, value, file }
    }

    fn file(&mut self) -> File {
        if self.next(3) == 0 {
            return File::default();
        }
        let name =
            self.one_of(&["a.pdf", "é \"quoted\".png", "日本.txt", "no-ending", "--x--", "a;b=c.zip"]).to_owned();
        let content_type = self.one_of(&["application/pdf", "text/plain", "image/png", "application/octet-stream"]);
        let content = (0..self.next(300)).map(|_| u8::try_from(self.next(256)).unwrap()).collect();
        File { name, content_type, content }
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 34] = [
            "a", "Z", "0", " ", "  ", "+", "%", "%41", "&", "=", "&amp;", "&#10;", "\"", "'", "<", ">", "</form>",
            "\\", "\n", "\r", "\r\n", "\n\r", "\t", "é", "e\u{301}", "ß", "日本", "💸", "\u{202e}", "\u{feff}",
            "\u{fffd}", "\u{fffe}", "--\r\n", "\u{7f}",
        ];
        match self.next(60) {
            0 => "\0".to_owned(),
            1 => "x".repeat(500),
            2..15 => String::new(),
            _ => (0..self.next(12)).map(|_| self.one_of(&PIECES)).collect(),
        }
    }
}
