//! How single values stand in columns: ids, names and digests as text, enums as their words, times
//! as nanoseconds.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

use crate::report::word::Word;

/// A value that stands in its column as it prints.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> ToSql for Text<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl<T: FromStr<Err: Error + Send + Sync + 'static>> FromSql for Text<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// An enum that stands in its column as its word.
pub(super) struct AsWord<T>(pub(super) T);

/// A word that stands for nothing.
#[derive(Debug, thiserror::Error)]
#[error("`{word}` is not {what}")]
struct UnknownWord {
    word: String,
    what: &'static str,
}

impl<T: Word> ToSql for AsWord<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.word().into())
    }
}

impl<T: Word> FromSql for AsWord<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        T::named(word).map(Self).ok_or_else(|| {
            FromSqlError::other(UnknownWord { word: word.to_owned(), what: T::WHAT })
        })
    }
}

/// A time, in nanoseconds since 1970: from 1677 to 2262, which no plan leaves.
pub(super) struct Nanoseconds(pub(super) Timestamp);

/// A time that the store cannot keep.
#[derive(Debug, thiserror::Error)]
#[error("the time {0} is out of the range from 1677 to 2262")]
struct OutOfRange(Timestamp);

impl ToSql for Nanoseconds {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let nanoseconds = i64::try_from(self.0.as_nanosecond());
        let nanoseconds = nanoseconds
            .map_err(|_| rusqlite::Error::ToSqlConversionFailure(Box::new(OutOfRange(self.0))))?;
        Ok(nanoseconds.into())
    }
}

impl FromSql for Nanoseconds {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let nanoseconds = value.as_i64()?.into();
        Timestamp::from_nanosecond(nanoseconds).map(Self).map_err(FromSqlError::other)
    }
}

/// A count, of which SQLite keeps 63 bits.
pub(super) struct Count(pub(super) u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let count = i64::try_from(self.0);
        let count =
            count.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(count.into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        u64::try_from(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}
