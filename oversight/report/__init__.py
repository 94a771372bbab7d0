"""Results to look at: figures, and self-contained HTML pages with transcripts to open.

`run_page` is the page of one `oversight run`, `experiment_page` that of one `oversight reproduce`
(and the Markdown page that is committed). `figures` draws, `transcripts` replays the games to show,
`pages` fills in the templates beside it.
"""
