"""Which functions of a proposed change stand elsewhere already?"""
