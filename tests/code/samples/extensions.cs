public static class Extensions
{
    extension(string text)
    {
        public string Shout()
        {
            return text.ToUpper();
        }
        public bool IsEmpty => text == "";
    }
}
