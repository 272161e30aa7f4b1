//! Lines of both sides: read in bounded memory, and split at the tag.

use std::io::{self, ErrorKind};

use smol::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// How many bytes a line may have, its tag included and its end not.
pub const LONGEST: usize = 8 * 1024;

/// Reads a line, without its end; `None` if there is none any more.
///
/// # Errors
///
/// If the line is too long, is not UTF-8 or has no end. What follows it cannot be read then.
pub(crate) async fn read_line<R>(reader: &mut R) -> io::Result<Option<String>>
where
    R: AsyncBufRead + Unpin,
{
    let mut line = Vec::new();
    let most = LONGEST as u64 + 1;
    reader.take(most).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(match line.len() {
            LONGEST.. => bad("the line is too long"),
            _ => ErrorKind::UnexpectedEof.into(),
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let line = String::from_utf8(line).map_err(|_| bad("the line is not UTF-8"))?;
    Ok(Some(line))
}

/// Splits a line at its first space: what stands before it is the tag.
pub(crate) fn split(line: &str) -> io::Result<(&str, &str)> {
    line.split_once(' ')
        .filter(|(tag, _)| !tag.is_empty())
        .ok_or_else(|| bad("the line has no tag"))
}

fn bad(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Result<Option<String>, ErrorKind> {
        smol::block_on(read_line(&mut text.as_ref())).map_err(|error| error.kind())
    }

    #[test]
    fn lines() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("\n"), Ok(Some(String::new())));
        assert_eq!(read("1 a\r\n2 b"), Ok(Some("1 a".to_owned())));
        assert_eq!(read("1 a"), Err(ErrorKind::UnexpectedEof));
        assert_eq!(read(b"1 \xff\n"), Err(ErrorKind::InvalidData));
    }

    #[test]
    fn longest_line() {
        let longest = "x".repeat(LONGEST);
        assert_eq!(read(format!("{longest}\n")), Ok(Some(longest.clone())));
        assert_eq!(read(format!("{longest}x\n")), Err(ErrorKind::InvalidData));
        // What comes after so much is not waited for.
        assert_eq!(read(format!("{longest}x")), Err(ErrorKind::InvalidData));
    }

    #[test]
    fn tags() {
        assert_eq!(split("7 a b").unwrap(), ("7", "a b"));
        assert_eq!(split("7 ").unwrap(), ("7", ""));
        assert!(split("7").is_err());
        assert!(split(" a").is_err());
    }
}
