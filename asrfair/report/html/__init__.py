"""A run's results, words and worst utterances in; a page that needs no network out, with charts and sortable tables."""
