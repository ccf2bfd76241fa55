//! The words of a line, and lines that are printed at once.
use spacetimedb_sdk::Compression;
use std::io::Write;

pub struct Words<'a>(std::str::Split<'a, char>);

impl<'a> Words<'a> {
    pub fn of(line: &'a str) -> Self {
        Words(line.split('\t'))
    }

    pub fn option(&mut self) -> Option<String> {
        self.0.next().map(str::to_string)
    }

    pub fn text(&mut self) -> String {
        self.option().expect("one word more")
    }

    pub fn number<T: std::str::FromStr>(&mut self) -> T {
        self.text().parse().ok().expect("a number")
    }
}

pub fn say(words: &[&str]) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", words.join("\t").replace('\n', " ")).expect("somebody who listens");
    out.flush().expect("somebody who listens");
}

pub fn compression(name: &str) -> Compression {
    match name {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        _ => Compression::Brotli,
    }
}
