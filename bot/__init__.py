"""The assistant of the préfecture du Lot: a request in French, the one door to knock on."""
