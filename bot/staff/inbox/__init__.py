"""What came from the public: exchanges, votes, figures."""
