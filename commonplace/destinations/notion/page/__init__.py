"""A conversation as a Notion page: its blocks, in what they are written, and the pages inside it."""
