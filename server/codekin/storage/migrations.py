"""The tables of a workspace's store and of the shared vectors, as steps from each version to the next."""

# Each entry brings a file from version i to i + 1. Never edit one that was released: append.
STORE_MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,      -- absolute
        language TEXT NOT NULL,
        size INTEGER NOT NULL,          -- bytes
        mtime_ns INTEGER NOT NULL,      -- 0: unknown, read again at the next scan
        hash BLOB NOT NULL,             -- of the document's text
        overlay INTEGER NOT NULL        -- 1: unsaved text of a document that an editor holds open
    );
    -- AUTOINCREMENT: a number is never used twice, so the graph may keep dead ones as labels.
    CREATE TABLE contents (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE);
    CREATE TABLE snippets (
        file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        content INTEGER NOT NULL REFERENCES contents (id),
        start INTEGER NOT NULL,         -- lines, 0-based, half-open
        end INTEGER NOT NULL,
        name_line INTEGER NOT NULL,
        part INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        qualified_name TEXT NOT NULL
    );
    CREATE INDEX snippets_file ON snippets (file);
    CREATE INDEX snippets_content ON snippets (content);
    CREATE TABLE skipped (
        path TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        size INTEGER NOT NULL,          -- as in files: unchanged, it need not be read again
        mtime_ns INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- Words are split before they come here; the tokenizer only finds the blanks between them.
    CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = "ascii tokenchars '_'");
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    """,
    """
    CREATE INDEX snippets_name ON snippets (name COLLATE NOCASE);
    -- The words of the files' own names; a row has its file's number.
    CREATE VIRTUAL TABLE titles USING fts5 (title, tokenize = "ascii");
    CREATE TRIGGER files_deleted AFTER DELETE ON files BEGIN DELETE FROM titles WHERE rowid = old.id; END;
    DELETE FROM snippets;  -- what was indexed before is taken in again; its vectors are kept
    DELETE FROM files;
    """,
    """
    ALTER TABLE contents ADD COLUMN structure BLOB;  -- Structure.packed(); NULL where there is nothing to compare
    DELETE FROM snippets;
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    ALTER TABLE contents ADD COLUMN course BLOB;  -- Course.packed(); NULL where nothing goes on
    DELETE FROM snippets;
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    DELETE FROM snippets;  -- courses know more local names
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    -- Which contents were removed last, for processes that have them in memory; content 0 says that any may have been.
    CREATE TABLE removed (position INTEGER PRIMARY KEY AUTOINCREMENT, content INTEGER NOT NULL);
    """,
    """
    DELETE FROM snippets;  -- more languages are cut along their syntax, and more definitions are found
    DELETE FROM files;
    DELETE FROM skipped;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    CREATE VIRTUAL TABLE title_words USING fts5vocab (titles, instance);
    """,
    """
    -- Without positions, which halves the full text's index: nobody asks where in a content a word is.
    CREATE VIRTUAL TABLE positionless USING fts5 (body, tokenize = "ascii tokenchars '_'", detail = none);
    INSERT INTO positionless (rowid, body) SELECT rowid, body FROM words;
    DROP TABLE vocabulary;
    DROP TABLE words;
    ALTER TABLE positionless RENAME TO words;
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    """,
)

VECTOR_MIGRATIONS = (
    """
    CREATE TABLE spaces (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
    CREATE TABLE vectors (
        id INTEGER PRIMARY KEY,
        space INTEGER NOT NULL REFERENCES spaces (id),
        hash BLOB NOT NULL,             -- of the content
        vector BLOB NOT NULL,           -- float16, little-endian
        UNIQUE (space, hash)
    );
    """,
)
